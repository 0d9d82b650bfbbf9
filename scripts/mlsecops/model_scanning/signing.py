"""What `mlsecops models sign` and `verify` do, through OpenSSF's model-signing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlsecops.job import ToolError, printable
from mlsecops.model_scanning.trust import Session
from mlsecops.models.trust import sign
from mlsecops.models.trust.files import write
from mlsecops.models.trust.sign import Answer, SignatureError, SignatureRequirement
from mlsecops.project import discover
from mlsecops.project.reading import read
from mlsecops.tools.model_signatures import Verifier

_MAX_KEY = 100_000
# How model-signing learns who it runs for: https://github.com/di/id#usage
_AMBIENT = (
    *("GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    *("GITLAB_CI", "SIGSTORE_ID_TOKEN", "HTTPS_PROXY", "https_proxy"),
)
_TOKENS = frozenset({"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SIGSTORE_ID_TOKEN"})


def sign_model(session: Session, path: Path, key: Path | None, *, force: bool) -> Path:
    """Sign a file or a folder with a key, without one through Sigstore; return the signature.

    Raises SignatureError for what the caller can mend, ToolError and OSError.
    """
    target = _target(path)
    signature = sign.signature_of(target)
    if os.path.lexists(signature) and not force:
        raise SignatureError(f"{signature} is there already; --force replaces it")
    draft = session.job.work / "draft.sig"
    if key is None:
        command, environ = sign.sign_with_sigstore(target, draft), _ambient(os.environ)
    else:
        _check_private(key)
        command, environ = sign.sign_with_key(target, draft, key.absolute()), {}
    done = session.job.execute(
        command, exit_codes=(0, 1), environment=sign.ENVIRONMENT, env=environ, silent=True
    )
    if done.exit_code != 0 or not draft.is_file():
        said = sign.failure(done.stderr.read_text(encoding="utf-8", errors="replace"))
        if "has no attribute 'curve'" in said:
            raise SignatureError(f"{key} is no key of an elliptic curve")
        raise ToolError(f"{path} was not signed: {printable(said)[:300]}")
    write(signature, draft.read_bytes())
    return signature


def _ambient(environ: Mapping[str, str]) -> dict[str, str]:
    found = {name: environ[name] for name in _AMBIENT if name in environ}
    if not _TOKENS & found.keys():
        raise SignatureError(
            "--sigstore needs the identity of a workflow: a job on GitHub with id-token: write, or one on "
            "GitLab with SIGSTORE_ID_TOKEN"
        )
    return found


def _check_private(key: Path) -> None:
    text = read(str(key.resolve()), _MAX_KEY)
    if b"PRIVATE KEY-----" not in text:
        raise SignatureError(f"{key} is no private key in PEM")
    if b"ENCRYPTED" in text:
        raise SignatureError(f"{key} is encrypted, and there is no safe way to hand its password on")


def _target(path: Path) -> Path:
    target = path.absolute()
    if target.is_symlink():
        raise SignatureError(f"{path} is a link; name what it leads to")
    return target


def verify_model(session: Session, path: Path, who: SignatureRequirement | None) -> Answer:
    """Whether a file or folder is signed by `who`, else by one of those whom the policy names.

    Raises SignatureError when nobody is named, ToolError and OSError.
    """
    required = (who,) if who else session.policy.models.require_signature
    if not required:
        raise SignatureError("the policy names no signers; name --key FILE, or --identity with --issuer")
    target = _target(path)
    signature = sign.signature_of(target)
    if not signature.is_file():
        return Answer(False, f"it has no signature {printable(signature.name)}")
    answer = Verifier(session.job, required).holds(target, signature)
    if answer.holds and target.is_dir():
        covered = sign.read_statement(read(str(signature), sign.MAX_SIGNATURE)).names
        left = [model.uri for model in discover(target).models if model.uri not in covered]
        if left:
            return Answer(False, f"the signature does not cover {printable(left[0])}")
    return answer
