from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.trust.sign import SignatureRequirement
from mlsecops.policy import (
    DEFAULT_FILE,
    DEFAULTS,
    ContainerSettings,
    ModelSettings,
    Policy,
    PolicyError,
    ScaSettings,
    Severity,
    TestSettings,
    Threshold,
    TrivySettings,
    Waiver,
    find,
    load,
    parse,
    reaches,
    stage_order,
    with_threshold,
)
from mlsecops.policy.check import SCHEMA_FILE
from mlsecops.policy.document import MAX_BYTES

MISTAKES = Path(__file__).parents[1] / "fixtures" / "policy-mistakes.txt"
WHOLE = b"""\
version: 1
fail-on:
  default: medium
  sca: critical
  test: never
new-only: false
on-missing-base: incomplete
required: [sca, model]
stages:
  container: {enabled: false}
  sast: {enabled: true}
exclude: [/data, "*.md", docs/**]
max-data-age: 2w
test:
  command: [python, -m, pytest, -q]
  paths: [tests/unit, checks]
  timeout: 90s
  python: "3.11"
sca:
  osv-url: https://osv.example.org/v1
  advisories: .mlsecops/advisories
tools:
  use-project-config: [bandit]
waivers:
  - rule: B301
    path: src/legacy/**
    reason: |
      Loads only our own files,
      see the design.
    expires: 2026-12-31
  - advisory: CVE-2023-30861
    path: requirements.txt
    reason: The cookie is never shared.
    expires: "2027-01-15"
    stage: sca
    package: Flask
models:
  formats: [onnx, safetensors]
  imports: [ours.models.Scaler, "shared.*"]
  max-size: 500MB
  require-lock: true
  deep: true
  require-signature: [{key: keys/a.pub}, {identity: a@example.com, issuer: "https://example.com"}]
container:
  image: required
  context: services
  dockerfiles: [Dockerfile]
  timeout: 20m
  security-index: https://mirror.example.org/debian-security
  trivy: {database: /var/lib/trivy-db, mirror: "registry.example.org:5000/mirror/trivy-db:2"}
"""


def error(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(PolicyError) as caught:
        parse(content, "p.yml")
    return str(caught.value)


def verdict_on(content: bytes) -> str:
    """What a reader of the policy says; anything but PolicyError is a failure of the test."""
    try:
        parse(content, "p.yml")
    except PolicyError as caught:
        return str(caught)
    return "fine"


def test_whole_policy_is_read() -> None:
    policy = parse(WHOLE, ".github/mlsecops.yml")

    assert policy.source == ".github/mlsecops.yml"
    assert [policy.threshold(stage) for stage in ("sca", "test", "model")] == ["critical", "never", "medium"]
    assert not policy.new_only
    assert policy.on_missing_base == "incomplete"
    assert policy.required == {"sca", "model"}
    assert not policy.enabled("container")
    assert policy.enabled("sast")
    assert policy.exclude == ("/data", "*.md", "docs/**")
    assert policy.max_data_age == timedelta(weeks=2)
    assert policy.test == TestSettings(
        command=("python", "-m", "pytest", "-q"), paths=("tests/unit", "checks"), timeout=90.0, python="3.11"
    )
    assert policy.sca == ScaSettings(osv_url="https://osv.example.org/v1", advisories=".mlsecops/advisories")
    assert policy.models == ModelSettings(
        formats=frozenset({"onnx", "safetensors"}),
        imports=("ours.models.Scaler", "shared.*"),
        max_size=500_000_000,
        require_lock=True,
        deep=True,
        require_signature=(
            SignatureRequirement(key="keys/a.pub"),
            SignatureRequirement(identity="a@example.com", issuer="https://example.com"),
        ),
    )
    assert policy.container == ContainerSettings(
        image="required",
        context="services",
        dockerfiles=("Dockerfile",),
        timeout=1200.0,
        security_index="https://mirror.example.org/debian-security",
        trivy=TrivySettings(
            database="/var/lib/trivy-db", mirror="registry.example.org:5000/mirror/trivy-db:2"
        ),
    )
    assert policy.use_project_config == {"bandit"}
    assert policy.waivers == (
        Waiver(
            rule="B301",
            path="src/legacy/**",
            reason="Loads only our own files, see the design.",
            expires=date(2026, 12, 31),
            line=25,
        ),
        Waiver(
            advisory="CVE-2023-30861",
            path="requirements.txt",
            reason="The cookie is never shared.",
            expires=date(2027, 1, 15),
            stage="sca",
            package="Flask",
            line=31,
        ),
    )


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("ours.models.Scaler", True),
        ("ours.models.Scaler.transform", False),
        ("ours.models.Scaler2", False),
        ("shared.a.b", True),
        ("shared", False),
        ("shared2.a", False),
        ("os.system", False),
    ],
)
def test_an_allowed_import_is_one_name_or_all_below_a_package(name: str, allowed: bool) -> None:
    assert ModelSettings(imports=("ours.models.Scaler", "shared.*")).allows_import(name) is allowed


@pytest.mark.parametrize(
    "content", [b"", b"# nothing yet\n", b"{}", b"\xef\xbb\xbfversion: 1\r\n", b"---\n...\n"]
)
def test_a_policy_without_settings_is_the_defaults(content: bytes) -> None:
    assert parse(content, DEFAULTS) == Policy()


def test_defaults_block_high_findings_that_are_new() -> None:
    policy = load(None)

    assert policy.source == DEFAULTS
    assert policy.threshold("model") == "high"
    assert policy.new_only
    assert policy.on_missing_base == "all"
    assert policy.max_data_age == timedelta(days=7)
    assert policy.test.timeout == 900.0
    assert policy.waivers == ()


def test_one_threshold_for_all_stages() -> None:
    policy = parse(b"fail-on: low", "p.yml")

    assert {policy.threshold(stage) for stage in ("test", "sca", "dast")} == {"low"}


def test_thresholds_of_some_stages_leave_the_others_at_high() -> None:
    policy = parse(b"fail-on: {sast: low}", "p.yml")

    assert (policy.threshold("sast"), policy.threshold("sca")) == ("low", "high")


def mistakes() -> Iterator[tuple[str, str]]:
    _, *cases = MISTAKES.read_text(encoding="utf-8").split("-----\n")
    for case in cases:
        text, _, expected = case.rstrip("\n").rpartition("\n=> ")
        yield text, f"p.yml:{expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *mistakes(),
        ("version: 1\nx: \x07", "p.yml:2: not valid YAML: character U+0007 is not allowed"),
        ("version: " + "9" * 5000, "p.yml:1: a number of more than 100 characters"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line_number(text: str, expected: str) -> None:
    assert error(text) == expected


def test_the_first_mistake_of_the_file_is_told() -> None:
    assert error("exclude: 1\nfail-on: x\nnew-only: 3").startswith("p.yml:1: 'exclude'")


@pytest.mark.parametrize("date_text", ["2026-12-31", "'2026-12-31'", '"2026-12-31"'])
def test_dates_need_no_quotes(date_text: str) -> None:
    text = f"waivers: [{{rule: B301, path: a.py, reason: good enough, expires: {date_text}}}]"

    assert parse(text.encode(), "p.yml").waivers[0].expires == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version: 1\n# caf\xe9\n", "p.yml:2: not UTF-8 text"),
        ("version: 1\n".encode("utf-16"), "p.yml:1: not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "p.yml:1: larger than 1000 kB"),
    ],
)
def test_bytes_that_are_no_policy(content: bytes, expected: str) -> None:
    assert error(content) == expected


def test_aliases_are_allowed_within_bounds() -> None:
    policy = parse(b"exclude: &names [a, b]\ntest: {paths: *names}", "p.yml")

    assert policy.exclude == policy.test.paths == ("a", "b")


def test_aliases_cannot_multiply_without_end() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 15)
    )

    assert "more than 200000 values" in error(bomb)


@pytest.mark.parametrize(
    "text", ["a: &a [*a]", "[" * 2_000, "a:\n" + "".join(" " * n + "- \n" for n in range(25)), "{a: " * 30]
)
def test_nesting_without_end_is_refused(text: str) -> None:
    message = error(text)

    assert message.startswith("p.yml:")
    assert "levels of nesting" in message or "not valid YAML" in message


def test_a_message_has_nothing_that_acts_on_a_terminal() -> None:
    message = error(r'"\e[2J\n::set-output name=x::y\u202e": 1')

    assert message.isprintable()
    assert r"\x1b[2J\n::set-output" in message


def test_long_text_is_shortened_in_a_message() -> None:
    assert len(error("fail-on: " + "x" * 50_000)) < 250


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_policy_or_one_line(content: bytes) -> None:
    assert verdict_on(content).isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rule", "path", "reason", "expires", "sca", "default", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
SCHEMA = json.loads(SCHEMA_FILE.read_bytes())
KEYS = st.sampled_from(sorted(SCHEMA["properties"]))


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_value_at_a_known_key_is_accepted_or_one_line(data: dict[str, object]) -> None:
    said = verdict_on(json.dumps(data).encode())

    assert said == "fine" or said.startswith("p.yml:1: ")
    assert said.isprintable()


def test_load_reads_the_file_under_the_name_that_people_know(tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    file.write_bytes(b"fail-on: low")

    assert load(file).source == str(file)
    assert load(file, name="mlsecops.yml at main").source == "mlsecops.yml at main"


def test_a_named_policy_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yml:1: cannot be read: No such file"):
        load(tmp_path / "nowhere.yml")


def test_a_policy_that_is_no_file_is_an_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yml"
    os.mkfifo(pipe)

    for path in (tmp_path, pipe):
        with pytest.raises(PolicyError, match=":1: not a file"):
            load(path)


def test_a_large_policy_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "policy.yml"
    with file.open("wb") as stream:
        stream.truncate(10_000_000_000)

    with pytest.raises(PolicyError, match="larger than"):
        load(file)


def test_find_gives_the_policy_of_a_repository(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    path = tmp_path / DEFAULT_FILE
    path.parent.mkdir()
    path.write_bytes(b"")

    assert find(tmp_path) == path


def test_a_policy_with_a_wrong_suffix_is_not_overlooked(tmp_path: Path) -> None:
    path = tmp_path / DEFAULT_FILE
    path.parent.mkdir()
    path.with_suffix(".yaml").write_bytes(b"fail-on: low")

    with pytest.raises(PolicyError, match=r"mlsecops\.yaml:1: a policy is named mlsecops\.yml"):
        find(tmp_path)


def test_a_policy_that_points_nowhere_is_not_taken_for_none(tmp_path: Path) -> None:
    path = tmp_path / DEFAULT_FILE
    path.parent.mkdir()
    path.symlink_to(tmp_path / "gone")

    found = find(tmp_path)

    assert found == path
    with pytest.raises(PolicyError, match="cannot be read"):
        load(found)


def monorepo(folder: Path) -> tuple[Path, Path]:
    """A git repository with a policy, and a project within it that has none."""
    (folder / ".git").mkdir()
    shared = folder / DEFAULT_FILE
    shared.parent.mkdir()
    shared.write_bytes(b"fail-on: low")
    project = folder / "services" / "forecast"
    project.mkdir(parents=True)
    return shared, project


def test_a_project_without_a_policy_has_that_of_the_repository_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, project = monorepo(tmp_path)
    monkeypatch.chdir(project)

    assert find(project) == shared
    assert find(Path()) == shared


def test_a_project_keeps_its_own_policy(tmp_path: Path) -> None:
    shared, project = monorepo(tmp_path)
    own = project / DEFAULT_FILE
    own.parent.mkdir()
    own.write_bytes(b"")

    assert find(project) == own
    shared.rename(shared.with_suffix(".yaml"))
    assert find(project) == own


def test_the_policy_of_a_folder_between_does_not_count(tmp_path: Path) -> None:
    shared, project = monorepo(tmp_path)
    between = project.parent / DEFAULT_FILE
    between.parent.mkdir()
    between.write_bytes(b"")

    assert find(project) == shared


@pytest.mark.parametrize("inner", ["services", "services/forecast"])
def test_a_policy_outside_the_nearest_repository_does_not_count(tmp_path: Path, inner: str) -> None:
    _, project = monorepo(tmp_path)
    (tmp_path / inner / ".git").write_bytes(b"gitdir: ../.git/modules/inner\n")

    assert find(project) is None


def test_a_policy_above_counts_only_where_there_is_a_repository(tmp_path: Path) -> None:
    _, project = monorepo(tmp_path)
    (tmp_path / ".git").rmdir()

    assert find(project) is None
    assert find(project / "gone") is None


def test_a_folder_that_is_not_there_has_no_policy(tmp_path: Path) -> None:
    _, project = monorepo(tmp_path)

    assert find(project / "gone") is None


def test_a_policy_around_with_a_wrong_suffix_is_not_overlooked(tmp_path: Path) -> None:
    shared, project = monorepo(tmp_path)
    shared.rename(shared.with_suffix(".yaml"))

    with pytest.raises(PolicyError, match=r"mlsecops\.yaml:1: a policy is named mlsecops\.yml"):
        find(project)


def test_a_policy_around_that_another_user_put_there_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, project = monorepo(tmp_path)
    real = Path.lstat

    def of_another(path: Path) -> os.stat_result:
        found = list(real(path))
        if path == shared:
            found[stat.ST_UID] += 1
        return os.stat_result(found)

    monkeypatch.setattr(Path, "lstat", of_another)

    with pytest.raises(PolicyError, match="belongs to another user"):
        find(project)


class TestThresholdFromOutside:
    FILE = Policy(
        source=DEFAULT_FILE,
        default_threshold="high",
        stage_thresholds={"sca": "critical", "test": "never", "model": "low"},
    )

    @pytest.mark.parametrize("threshold", ["critical", "high", "medium", "low", "never"])
    def test_replaces_the_built_in_default(self, threshold: Threshold) -> None:
        policy = with_threshold(Policy(), threshold)

        assert policy == Policy(default_threshold=threshold)
        assert policy.source == DEFAULTS

    def test_none_changes_nothing(self) -> None:
        assert with_threshold(self.FILE, None) is self.FILE

    @pytest.mark.parametrize(
        ("threshold", "default", "stages"),
        [
            ("never", "high", {"sca": "critical", "test": "never", "model": "low"}),
            ("critical", "high", {"sca": "critical", "test": "critical", "model": "low"}),
            ("high", "high", {"sca": "high", "test": "high", "model": "low"}),
            ("medium", "medium", {"sca": "medium", "test": "medium", "model": "low"}),
            ("low", "low", {"sca": "low", "test": "low", "model": "low"}),
        ],
    )
    def test_makes_a_policy_file_stricter_and_never_weaker(
        self, threshold: Threshold, default: Threshold, stages: dict[str, Threshold]
    ) -> None:
        policy = with_threshold(self.FILE, threshold)

        assert policy.default_threshold == default
        assert policy.stage_thresholds == stages
        assert policy.source == DEFAULT_FILE

    @given(
        own=st.sampled_from(["critical", "high", "medium", "low", "never"]),
        asked=st.sampled_from(["critical", "high", "medium", "low", "never"]),
        severity=st.sampled_from(["critical", "high", "medium", "low"]),
    )
    def test_blocks_whatever_one_of_both_blocks(
        self, own: Threshold, asked: Threshold, severity: Severity
    ) -> None:
        policy = with_threshold(Policy(source=DEFAULT_FILE, default_threshold=own), asked)

        blocked = reaches(severity, own) or reaches(severity, asked)
        assert reaches(severity, policy.threshold("sca")) is blocked


def test_a_waiver_holds_through_its_last_day() -> None:
    waiver = Waiver(rule="B301", path="a", reason="because we know it", expires=date(2026, 12, 31))

    assert not waiver.expired(date(2026, 12, 31))
    assert waiver.expired(date(2027, 1, 1))
    assert waiver.days_left(date(2026, 12, 30)) == 1
    assert waiver.days_left(date(2027, 1, 2)) == -2
    assert waiver.what == "B301"


def test_severities_reach_thresholds_below_them() -> None:
    assert reaches("critical", "high")
    assert reaches("high", "high")
    assert not reaches("medium", "high")
    assert not reaches("critical", "never")


def test_stages_come_in_the_order_of_the_chain() -> None:
    assert sorted(["zap", "dast", "test", "sast", "sca"], key=stage_order) == [
        "test",
        "sca",
        "sast",
        "dast",
        "zap",
    ]
