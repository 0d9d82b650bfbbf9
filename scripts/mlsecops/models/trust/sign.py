"""Signatures of models by OpenSSF's model-signing: its command lines, its answers, what a signature covers.

A signature is a Sigstore bundle around a list of files and hashes:
https://github.com/sigstore/model-transparency
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = "model_signing"
SUCCESS = "Verification succeeded"
ENVIRONMENT = "model-signing"
SIGNATURE = "model.sig"
MAX_SIGNATURE = 32 << 20
_BUNDLE = {"mediaType", "verificationMaterial", "dsseEnvelope"}
_ENVELOPE = {"payload", "payloadType", "signatures"}
_PEM = "-----BEGIN PUBLIC KEY-----"
_FAILED = re.compile(r"(?:Verification|Signing) failed with error:[ \t]*(.*)", re.DOTALL)
# The program prints a list of Python strings, whose quotes may be escaped.
_OTHER_FILES = re.compile(r"((?:Extra|Missing) files) (?:found )?in model \\?'.*?\\?': ([^\"'\]]+)")
_OTHER_HASH = re.compile(r"Hash mismatch for \\?'(.+?)\\?':")
_OTHER_KEY = "it was made with another key"
_SHARD = re.compile(r":\d+:\d+\Z")
# Answers that are about the key, the network or the disk: whether the signature holds is then not known.
_UNKNOWN = re.compile(
    r"unable to load pem|could not deserialize|valid pem but|.*has no attribute 'curve'|\[errno|cannot use '"
    r"|.*(?:connection|timed out|timeout|resolve|tuf|refresh|proxy|trusted root)",
    re.IGNORECASE | re.DOTALL,
)


class SignatureError(ValueError):
    """A key or a signature that cannot be read; the text is one plain phrase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRequirement:
    """Who must have signed every model: the owner of a public key, or an identity that an issuer vouches for.

    `key` is the path of a PEM file from the project's root, or the PEM text itself, which no change of the
    repository can exchange.
    """

    key: str = ""
    identity: str = ""
    issuer: str = ""

    @property
    def signer(self) -> str:
        """Whom it names, for people."""
        if self.key:
            return "the key of the policy" if is_pem(self.key) else self.key
        return f"{self.identity} ({self.issuer})"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signature says was signed: the model's name, and its files; of a file alone they are `.`.

    `with_key` says that a key made it and no identity of Sigstore.
    """

    subject: str
    names: frozenset[str]
    with_key: bool = True

    @property
    def of_a_file(self) -> bool:
        """Whether a file was signed and not a folder."""
        return self.names == {"."}


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature and the file or folder that it is for; "" is the project's root."""

    signature: str
    target: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a signature holds, and by whom it is; None where that could not be found out.

    `reason` is one plain phrase.
    """

    holds: bool | None
    reason: str = ""
    signer: str = ""


def is_pem(key: str) -> bool:
    """Whether a text is a public key, and not the path of one."""
    return key.lstrip().startswith(_PEM)


def signature_of(path: Path) -> Path:
    """Where the signature of a file or a folder belongs: beside the file, in the folder."""
    return path / SIGNATURE if path.is_dir() else path.with_name(f"{path.name}.sig")


def sign_with_key(target: Path, signature: Path, key: Path) -> list[str]:
    """The command that signs with a private key."""
    return [*_sign("key", target, signature), f"--private_key={key}", str(target)]


def sign_with_sigstore(target: Path, signature: Path) -> list[str]:
    """The command that signs as the identity that the surroundings prove, such as a workflow on GitHub."""
    return [*_sign("sigstore", target, signature), "--use_ambient_credentials", str(target)]


def _sign(method: str, target: Path, signature: Path) -> list[str]:
    ignored = [f"--ignore-paths={target / SIGNATURE}"] if target.is_dir() else []
    return [PROGRAM, "sign", method, f"--signature={signature}", *ignored]


def best(answers: Iterable[Answer]) -> Answer:
    """The answer that counts when one of several signers is enough."""
    given = list(answers)
    for wanted in (True, None):
        if found := [each for each in given if each.holds is wanted]:
            return found[0]
    if not given:
        return Answer(False, "it is of a kind that the policy allows nobody")
    told = [each for each in given if each.reason != _OTHER_KEY]
    return (told or given)[0]


def verify_command(target: Path, signature: Path, who: SignatureRequirement, key: Path | None) -> list[str]:
    """The command that verifies; `key` is the file of the requirement's key."""
    if key is not None:
        by = ["key", f"--public_key={key}"]
    else:
        by = ["sigstore", f"--identity={who.identity}", f"--identity_provider={who.issuer}"]
    return [PROGRAM, "verify", *by, f"--signature={signature}", str(target)]


def failure(output: str) -> str:
    """What the program says went wrong, on one line."""
    match = _FAILED.search(output)
    return " ".join((match[1] if match else output).split())


def answer(exit_code: int, output: str) -> Answer:
    """What the program's end and its words mean."""
    if exit_code == 0:
        return Answer(True)
    said = failure(output)
    if not said:
        return Answer(False, "it was not made with this key")
    if said.startswith("Key mismatch"):
        return Answer(False, _OTHER_KEY)
    if said.startswith("Signature mismatch"):
        return Answer(False, _mismatch(said))
    if _UNKNOWN.match(said):
        return Answer(None, said)
    return Answer(False, f"it cannot be read as a signature ({said})")


def _mismatch(said: str) -> str:
    parts = [f"{what.lower()}: {names}" for what, names in _OTHER_FILES.findall(said)]
    changed = [name for name in _OTHER_HASH.findall(said) if name != "."]
    parts += [f"changed: {', '.join(changed)}"] if changed else []
    return "it is for other content" + (f" ({'; '.join(parts)})" if parts else "")


def read_statement(content: bytes) -> Statement:
    """What a signature says it covers, before anyone verified it.

    Raises SignatureError for what is no bundle, and for one that two readers could read differently.
    """
    bundle = _object(content, "it is no Sigstore bundle")
    envelope = bundle.get("dsseEnvelope")
    if not isinstance(envelope, dict) or bundle.keys() - _BUNDLE or envelope.keys() - _ENVELOPE:
        raise SignatureError("it is no Sigstore bundle of a signed statement alone")
    try:
        payload = base64.b64decode(str(envelope.get("payload", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError("its statement is not base64") from error
    statement = _object(payload, "its statement is no JSON")
    try:
        subject = statement["subject"][0]["name"]
        resources = statement["predicate"]["resources"]
        shards = statement["predicate"]["serialization"]["method"] == "shards"
        names = frozenset(_SHARD.sub("", each["name"]) if shards else each["name"] for each in resources)
    except (LookupError, TypeError) as error:
        raise SignatureError("its statement does not list files") from error
    material = bundle.get("verificationMaterial")
    return Statement(str(subject), names, with_key=isinstance(material, dict) and "publicKey" in material)


def _object(content: bytes, complaint: str) -> dict[str, Any]:
    try:
        found = json.loads(content, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise SignatureError(complaint) from error
    if not isinstance(found, dict):
        raise SignatureError(complaint)
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def find_claim(uri: str, uris: Collection[str], statement: Callable[[str], Statement | None]) -> Claim | None:
    """The signature that speaks of a file: its own, else the nearest above it that lists the file.

    `statement` gives what the signature at a path covers, None where it cannot be read: such a one counts
    when there is no other.
    """
    unreadable: Claim | None = None
    for signature in (each for each in _candidates(uri) if each in uris):
        folder = signature.rpartition("/")[0]
        if signature == f"{uri}.sig":
            return Claim(signature, uri)
        said = statement(signature)
        if said is None:
            unreadable = unreadable or Claim(signature, folder)
        elif said.of_a_file:
            if uri == (f"{folder}/{said.subject}" if folder else said.subject):
                return Claim(signature, uri)
        elif (uri[len(folder) + 1 :] if folder else uri) in said.names:
            return Claim(signature, folder)
    return unreadable


def _candidates(uri: str) -> Iterator[str]:
    yield f"{uri}.sig"
    folder = uri
    while folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/{SIGNATURE}" if folder else SIGNATURE
