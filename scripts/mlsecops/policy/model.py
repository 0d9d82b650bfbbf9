"""What a policy says, as plain values. Thresholds compare by `SEVERITIES`, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from mlsecops.models.trust.sign import SignatureRequirement

Severity = Literal["critical", "high", "medium", "low"]
Threshold = Literal["critical", "high", "medium", "low", "never"]
ImagePart = Literal["when-available", "required"]
NewSuppressions = Literal["count", "honour"]
DastTarget = Literal["image", "process"]
OnMissingBase = Literal["all", "pass", "incomplete"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
STAGES: tuple[str, ...] = ("test", "sca", "sast", "model", "container", "dast")
DEFAULTS = "built-in defaults"
LONG_WAIVER = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that is accepted until a date; exactly one of `rule` and `advisory` is set.

    `line` is where the policy names it, from 1.
    """

    rule: str | None = None
    advisory: str | None = None
    path: str
    reason: str
    expires: date
    stage: str | None = None
    package: str | None = None
    line: int = 1

    @property
    def what(self) -> str:
        """The rule or advisory that it accepts."""
        return self.rule or self.advisory or ""

    def expired(self, today: date) -> bool:
        """Whether it no longer holds; its last day still counts."""
        return self.expires < today

    def days_left(self, today: date) -> int:
        """Days after today on which it still holds; negative when expired."""
        return (self.expires - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSettings:
    """How the project's tests run; empty values leave it to the test stage. `timeout` in seconds."""

    __test__ = False

    command: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    timeout: float = 900.0
    python: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaSettings:
    """Where vulnerability data comes from; None leaves it to the SCA stage."""

    osv_url: str | None = None
    advisories: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which model files may be there; `formats` empty allows all, `max_size` is in bytes.

    `imports` are names that unknown code may have: `mypackage.module.Name`, or `mypackage.*` for all below.
    With `require_signature` one of those must have signed every model file. `deep` asks one more scanner.
    """

    formats: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    max_size: int | None = None
    require_lock: bool = False
    require_signature: tuple[SignatureRequirement, ...] = ()
    deep: bool = False

    def allows_import(self, name: str) -> bool:
        """Whether the policy vouches for a dotted name."""
        return any(
            name.startswith(each[:-1]) if each.endswith(".*") else name == each for each in self.imports
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """How one caller of the service says who it is: a header, a query parameter, or what a command prints.

    Exactly one is set; `header` is `Name: value`, `key` is `name=value`. `objects` are values of path
    parameters that belong to this caller alone.
    """

    header: str | None = None
    key: str | None = None
    login: tuple[str, ...] = ()
    objects: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class DastSettings:
    """How the service is started and attacked; empty values leave it to the stage. Times in seconds.

    `target` None is the image where it can be built and `start` is empty; `read_only` is about its files.
    `identities` are further callers, none of whom may see what belongs to another one.
    """

    target: DastTarget | None = None
    start: tuple[str, ...] = ()
    read_only: bool = False
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    port: int | None = None
    health: str | None = None
    start_timeout: float = 120.0
    timeout: float = 600.0
    memory: int = 4 * 10**9
    document: str | None = None
    exclude_operations: tuple[str, ...] = ()
    auth: Caller | None = None
    identities: tuple[Caller, ...] = ()
    zap: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrivySettings:
    """Where Trivy's vulnerability database comes from; without either it is the one that is published.

    `database` is a folder or an archive, `mirror` an OCI repository.
    """

    database: str | None = None
    mirror: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSettings:
    """How images are built and looked at; `timeout` of a build is in seconds.

    `image` None leaves it to the caller whether images must be looked at; empty `dockerfiles` are all.
    `security_index` is the address, or the folder below the root, of the distribution's security suites.
    """

    image: ImagePart | None = None
    context: str | None = None
    dockerfiles: tuple[str, ...] = ()
    timeout: float = 1800.0
    security_index: str | None = None
    trivy: TrivySettings = TrivySettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What blocks, what must be scanned, what is left out and what is accepted.

    `source` is the file it came from as people are told, or `DEFAULTS`.
    """

    source: str = DEFAULTS
    default_threshold: Threshold = "high"
    stage_thresholds: Mapping[str, Threshold] = field(default_factory=lambda: MappingProxyType({}))
    new_only: bool = True
    new_suppressions: NewSuppressions = "count"
    on_missing_base: OnMissingBase = "all"
    required: frozenset[str] = frozenset()
    switched_off: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    max_data_age: timedelta = timedelta(days=7)
    test: TestSettings = TestSettings()
    sca: ScaSettings = ScaSettings()
    models: ModelSettings = ModelSettings()
    dast: DastSettings = DastSettings()
    container: ContainerSettings = ContainerSettings()
    use_project_config: frozenset[str] = frozenset()
    waivers: tuple[Waiver, ...] = ()

    def threshold(self, stage: str) -> Threshold:
        """The least severity that blocks in a stage."""
        return self.stage_thresholds.get(stage, self.default_threshold)

    def enabled(self, stage: str) -> bool:
        """Whether a stage is to run."""
        return stage not in self.switched_off


def stage_order(stage: str) -> tuple[int, str]:
    """Sort key of a stage's name: the order of the chain, then strangers."""
    return (STAGES.index(stage) if stage in STAGES else len(STAGES), stage)


def reaches(severity: Severity, threshold: Threshold) -> bool:
    """Whether a severity is at or above a threshold; nothing reaches "never"."""
    return threshold != "never" and SEVERITIES.index(severity) <= SEVERITIES.index(threshold)
