"""OpenSSF model-signing: whether every model file is signed by who the policy says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlsecops.job import Job, Parsed, Problem, Scan, Skip, ToolError, fresh_folder, printable
from mlsecops.models.rules.trust import NOT_SIGNED, SIGNATURE_RULES, WRONG_SIGNATURE
from mlsecops.models.trust import sign
from mlsecops.models.trust.sign import Answer, Claim, SignatureError, SignatureRequirement, Statement
from mlsecops.policy import Policy
from mlsecops.project import Project
from mlsecops.project.pointers import absence
from mlsecops.project.reading import read
from mlsecops.sarif.build import Json, Location, Result, Rule

_CANARY = Path(sign.__file__).with_name("canary.json")
_MAX_KEY = 100_000
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class ModelSignatures:
    """Runs `model_signing verify` over every signature that speaks of a model file."""

    required: tuple[SignatureRequirement, ...] = ()
    name: str = "mlsecops-model-signatures"
    environment: str | None = sign.ENVIRONMENT
    information_uri: str = "https://github.com/sigstore/model-transparency"
    canary_rules: frozenset[str] = frozenset(rule.id for rule in SIGNATURE_RULES)
    weight: float = 2.0
    timeout: float = 600.0

    def run(self, job: Job) -> Parsed:
        """Verify what lies beside or above each model, then a signature that holds and one that does not."""
        verifier = Verifier(job, self.required)
        checked = check(job.project, job.targets, verifier)
        return Parsed(
            looked_at=frozenset(job.targets) - checked.problems.keys(),
            rules=[rule.to_sarif() for rule in SIGNATURE_RULES],
            results=checked.results,
            canary=canary(job),
            problems=[Problem(uri, printable(checked.problems[uri])) for uri in sorted(checked.problems)],
        )


def due(project: Project, policy: Policy) -> Scan | Skip:
    """The check, where the policy asks for it and there are model files."""
    required = policy.models.require_signature
    if not required:
        return Skip(ModelSignatures.name, "the policy requires no signatures (models: require-signature)")
    tool = ModelSignatures(required)
    there = files(project)
    return Scan(tool, there) if there else Skip(tool.name, "no model files")


def files(project: Project) -> tuple[str, ...]:
    """Every file of a model that has to be signed."""
    uris = {file.uri for file in project.files}
    paths = dict.fromkeys(path for model in project.models for path in (model.uri, *model.parts))
    return tuple(path for path in paths if path in uris)


@dataclass(frozen=True)
class Verifier:
    """Asks the program whether a signature is by one of `required`, once for each signature."""

    job: Job
    required: tuple[SignatureRequirement, ...]
    _answers: dict[tuple[Path, Path], Answer] = field(default_factory=dict)

    def holds(self, target: Path, signature: Path) -> Answer:
        """Verify one signature. Raises ToolError when the program fails, or a key cannot be read."""
        asked = (target, signature)
        if asked not in self._answers:
            self._answers[asked] = sign.best(self._ask(target, signature))
        return self._answers[asked]

    def _ask(self, target: Path, signature: Path) -> Iterator[Answer]:
        """Ask for each signer of the signature's kind, until one of them has made it."""
        try:
            with_key = sign.read_statement(read(str(signature), sign.MAX_SIGNATURE)).with_key
        except OSError as error:
            yield Answer(None, f"it cannot be read: {error.strerror}")
            return
        except SignatureError as error:
            yield Answer(False, str(error))
            return
        for number, who in enumerate(self.required):
            if bool(who.key) is with_key:
                key = self._key(who, number) if with_key else None
                answered = answer(self.job, sign.verify_command(target, signature, who, key))
                yield replace(answered, signer=who.signer if answered.holds else "")
                if answered.holds:
                    return

    def _key(self, who: SignatureRequirement, number: int) -> Path:
        try:
            pem = read_key(self.job.root, who.key)
        except SignatureError as error:
            raise ToolError(str(error)) from error
        file = self.job.work / f"key-{number}.pub"
        file.write_text(pem, encoding="utf-8")
        return file


def read_key(root: Path, key: str) -> str:
    """The PEM text of a public key, given itself or as a path. Raises SignatureError."""
    if sign.is_pem(key):
        return key
    shown = printable(key)
    try:
        text = read(str(root / key), _MAX_KEY).decode("ascii")
    except OSError as error:
        raise SignatureError(f"the public key {shown} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SignatureError(f"{shown} is no public key in PEM") from error
    if not sign.is_pem(text):
        raise SignatureError(f"{shown} is no public key in PEM")
    return text


def answer(job: Job, command: Sequence[str]) -> Answer:
    """Run the program and read its answer. Raises ToolError when it does not give one."""
    proxies = {name: os.environ[name] for name in _with_lower(_PROXIES) if name in os.environ}
    done = job.execute(command, exit_codes=(0, 1), environment=sign.ENVIRONMENT, env=proxies, silent=True)
    if done.exit_code == 0 and sign.SUCCESS not in done.stdout.read_text(encoding="utf-8", errors="replace"):
        raise ToolError("it ended as if a signature held, and did not say so")
    return sign.answer(done.exit_code, done.stderr.read_text(encoding="utf-8", errors="replace"))


def _with_lower(names: Sequence[str]) -> tuple[str, ...]:
    return (*names, *(name.lower() for name in names))


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings, the files of which nothing could be said, and who signed the others, by path."""

    results: list[Json] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    signed: dict[str, str] = field(default_factory=dict)


def check(project: Project, targets: Sequence[str], verifier: Verifier) -> Checked:
    """Whether each model file has a signature that holds. Raises ToolError."""
    uris = frozenset(file.uri for file in project.files)
    absent = {model.uri: absence(model.pointer) for model in project.models if model.pointer}
    statements: dict[str, Statement | None] = {}

    def statement(uri: str) -> Statement | None:
        if uri not in statements:
            statements[uri] = _statement(project, uri)
        return statements[uri]

    checked = Checked()
    for uri in targets:
        if uri in absent:
            checked.problems[uri] = f"not verified: {absent[uri]}"
        else:
            _check_one(project, uri, sign.find_claim(uri, uris, statement), verifier, checked)
    return checked


def _check_one(project: Project, uri: str, claim: Claim | None, verifier: Verifier, checked: Checked) -> None:
    if claim is None:
        checked.results.append(_result(project, NOT_SIGNED, uri, "No signature speaks of this model file."))
        return
    answered = verifier.holds(project.root / claim.target, project.root / claim.signature)
    if answered.holds:
        checked.signed[uri] = answered.signer
    elif answered.holds is None:
        checked.problems[uri] = f"its signature {claim.signature} was not verified: {answered.reason}"
    else:
        text = f"The signature {claim.signature} does not hold: {answered.reason}."
        checked.results.append(_result(project, WRONG_SIGNATURE, uri, text))


def _statement(project: Project, uri: str) -> Statement | None:
    try:
        return sign.read_statement(project.read_bytes(uri, sign.MAX_SIGNATURE))
    except (SignatureError, OSError):
        return None


def canary(job: Job) -> frozenset[str]:
    """The rules that a signature of other content and a missing one set off.

    Raises ToolError when the program refuses a signature that holds.
    """
    data: Mapping[str, str] = json.loads(_CANARY.read_bytes())
    folder = fresh_folder(job.work / "canary")
    signature, good, bad = folder / "canary.sig", folder / "good.pkl", folder / "bad.pkl"
    signature.write_text(json.dumps(data["signature"]), encoding="utf-8")
    good.write_text(data["content"], encoding="utf-8")
    bad.write_text(f"{data['content']}changed", encoding="utf-8")
    verifier = Verifier(job, (SignatureRequirement(key=data["key"]),))
    if not verifier.holds(good, signature).holds:
        raise ToolError("it refuses a signature that holds, so it may refuse all")
    found = {NOT_SIGNED.id} if sign.find_claim("bad.pkl", (), lambda _: None) is None else set()
    return frozenset(
        found | ({WRONG_SIGNATURE.id} if verifier.holds(bad, signature).holds is False else set())
    )


def _result(project: Project, rule: Rule, uri: str, text: str) -> Json:
    return Result(
        rule_id=rule.id,
        message=printable(text),
        location=Location(uri=uri),
        # Another content is another finding: it counts as new, whatever the baseline has of this file.
        identity=("model-signature", rule.id, uri, project.sha256(uri)),
    ).to_sarif()
