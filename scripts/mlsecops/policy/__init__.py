"""The policy of a repository, `.github/mlsecops.yml`: read it and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from mlsecops.models.trust.sign import SignatureRequirement
from mlsecops.policy.document import MAX_BYTES, Document, DocumentError, PolicyError, quoted, read
from mlsecops.policy.globs import matches
from mlsecops.policy.model import (
    DEFAULTS,
    LONG_WAIVER,
    SEVERITIES,
    STAGES,
    Caller,
    ContainerSettings,
    DastSettings,
    DastTarget,
    ImagePart,
    ModelSettings,
    OnMissingBase,
    Policy,
    ScaSettings,
    Severity,
    TestSettings,
    Threshold,
    TrivySettings,
    Waiver,
    reaches,
    stage_order,
)
from mlsecops.policy.stricter import with_threshold

__all__ = [
    "DEFAULTS",
    "DEFAULT_FILE",
    "LONG_WAIVER",
    "SEVERITIES",
    "STAGES",
    "Caller",
    "ContainerSettings",
    "DastSettings",
    "DastTarget",
    "ImagePart",
    "ModelSettings",
    "OnMissingBase",
    "Policy",
    "PolicyError",
    "ScaSettings",
    "Severity",
    "TestSettings",
    "Threshold",
    "TrivySettings",
    "Waiver",
    "find",
    "load",
    "matches",
    "parse",
    "reaches",
    "stage_order",
    "with_threshold",
]

DEFAULT_FILE = ".github/mlsecops.yml"
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def find(root: Path) -> Path | None:
    """The policy file of a project, else that of the git repository around it, if there is one.

    Raises PolicyError when the only one there has a name that would be overlooked, or when the one of the
    repository around belongs to another user than the project, who could have put it there to mislead.
    """
    own = _in(root)
    around = None if own else _repository_around(root)
    shared = _in(around) if around else None
    if shared and shared.lstat().st_uid != root.stat().st_uid:
        raise PolicyError(
            f"{shared}:1: belongs to another user than {root}; name it with --policy if it counts"
        )
    return own or shared


def _in(folder: Path) -> Path | None:
    path = folder / DEFAULT_FILE
    if path.is_symlink() or path.exists():
        return path
    other = path.with_suffix(".yaml")
    if other.is_symlink() or other.exists():
        raise PolicyError(f"{other}:1: a policy is named {path.name}; this file would not be read")
    return None


def _repository_around(root: Path) -> Path | None:
    """The root of the git repository that a folder lies in, unless the folder is that root itself."""
    real = root.resolve()
    if not real.is_dir():
        return None
    top = next((each for each in (real, *real.parents) if _is_there(each / ".git")), None)
    return None if top == real else top


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:  # nor can a folder that may not be entered be asked
        return False
    return True


def load(path: Path | None, *, name: str | None = None) -> Policy:
    """Read a policy file; None gives the defaults. `name` is what people are told it is called.

    Raises PolicyError with one line, `FILE:LINE: what is wrong`.
    """
    if path is None:
        return Policy()
    shown = name or str(path)
    try:
        if path.exists() and not path.is_file():
            raise PolicyError(f"{shown}:1: not a file")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"{shown}:1: cannot be read: {error.strerror or error}") from error
    return parse(content, shown)


def parse(content: bytes, name: str) -> Policy:
    """Read a policy from its bytes. Raises PolicyError with one line, `NAME:LINE: what is wrong`."""
    from mlsecops.policy.check import check

    try:
        document = read(content)
        check(document)
        return _policy(document, name)
    except DocumentError as fault:
        raise PolicyError(f"{name}:{fault.line}: {fault.text}") from fault


def _policy(document: Document, name: str) -> Policy:
    data: Mapping[str, Any] = document.data
    fail_on = data.get("fail-on", "high")
    per_stage: dict[str, Threshold] = dict(fail_on) if isinstance(fail_on, dict) else {"default": fail_on}
    default = per_stage.pop("default", "high")
    stages = cast(Mapping[str, Mapping[str, bool]], data.get("stages", {}))
    off = frozenset(stage for stage, settings in stages.items() if not settings.get("enabled", True))
    for number, stage in enumerate(data.get("required", [])):
        if stage in off:
            raise DocumentError(
                document.values["required", number],
                f"{quoted(stage)} is required, yet 'stages' switches it off",
            )
    tools = data.get("tools", {})
    return Policy(
        source=name,
        default_threshold=default,
        stage_thresholds=MappingProxyType(per_stage),
        new_only=data.get("new-only", True),
        new_suppressions=data.get("new-suppressions", "count"),
        on_missing_base=data.get("on-missing-base", "all"),
        required=frozenset(data.get("required", [])),
        switched_off=off,
        exclude=tuple(data.get("exclude", [])),
        max_data_age=timedelta(seconds=_duration(data.get("max-data-age", "7d"))),
        test=_test(data.get("test", {})),
        sca=ScaSettings(**{key.replace("-", "_"): value for key, value in data.get("sca", {}).items()}),
        models=_models(data.get("models", {})),
        container=_container(data.get("container", {})),
        dast=_dast(data.get("dast", {})),
        use_project_config=frozenset(tools.get("use-project-config", [])),
        waivers=tuple(
            _waiver(waiver, document.values["waivers", number])
            for number, waiver in enumerate(data.get("waivers", []))
        ),
    )


def _test(data: Mapping[str, Any]) -> TestSettings:
    return TestSettings(
        command=tuple(data.get("command", [])),
        paths=tuple(data.get("paths", [])),
        timeout=float(_duration(data.get("timeout", "15m"))),
        python=data.get("python"),
    )


def _models(data: Mapping[str, Any]) -> ModelSettings:
    most = data.get("max-size")
    return ModelSettings(
        formats=frozenset(data.get("formats", [])),
        imports=tuple(data.get("imports", [])),
        max_size=_bytes(most) if most else None,
        require_lock=data.get("require-lock", False),
        require_signature=tuple(SignatureRequirement(**each) for each in data.get("require-signature", [])),
        deep=data.get("deep", False),
    )


def _dast(data: Mapping[str, Any]) -> DastSettings:
    auth = data.get("auth")
    return DastSettings(
        target=data.get("target"),
        start=tuple(data.get("start", [])),
        read_only=data.get("read-only", False),
        env=MappingProxyType(dict(data.get("env", {}))),
        port=data.get("port"),
        health=data.get("health"),
        start_timeout=float(_duration(data.get("start-timeout", "2m"))),
        timeout=float(_duration(data.get("timeout", "10m"))),
        memory=_bytes(data.get("memory", "4GB")),
        document=data.get("document"),
        exclude_operations=tuple(data.get("exclude-operations", [])),
        auth=_caller(auth) if auth else None,
        identities=tuple(map(_caller, data.get("identities", []))),
        zap=data.get("zap"),
    )


def _caller(data: Mapping[str, Any]) -> Caller:
    return Caller(
        header=data.get("header"),
        key=data.get("key"),
        login=tuple(data.get("login", [])),
        objects=MappingProxyType(dict(data.get("objects", {}))),
    )


def _container(data: Mapping[str, Any]) -> ContainerSettings:
    return ContainerSettings(
        image=data.get("image"),
        context=data.get("context"),
        dockerfiles=tuple(data.get("dockerfiles", [])),
        timeout=float(_duration(data.get("timeout", "30m"))),
        security_index=data.get("security-index"),
        trivy=TrivySettings(**data.get("trivy", {})),
    )


def _waiver(data: Mapping[str, str], line: int) -> Waiver:
    return Waiver(
        rule=data.get("rule"),
        advisory=data.get("advisory"),
        path=data["path"],
        reason=" ".join(data["reason"].split()),
        expires=date.fromisoformat(data["expires"]),
        stage=data.get("stage"),
        package=data.get("package"),
        line=line,
    )


def _bytes(text: str) -> int:
    """A number with its unit -> bytes."""
    return int(text[:-2]) * _BYTES[text[-2:]]


def _duration(text: str) -> int:
    """A number with its unit -> seconds."""
    return int(text[:-1]) * _SECONDS[text[-1]]
