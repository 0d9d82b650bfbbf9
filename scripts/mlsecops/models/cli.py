"""`mlsecops models …`: lock, sign and list model files; parses, calls, prints."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from mlsecops import policy
from mlsecops.failing import fail
from mlsecops.job import ToolError, printable
from mlsecops.model_scanning import signing, trust
from mlsecops.model_scanning.trust import Session
from mlsecops.models.trust.bom import About
from mlsecops.models.trust.lock import LOCK_FILE, LockError
from mlsecops.models.trust.sign import SignatureError, SignatureRequirement
from mlsecops.policy import PolicyError
from mlsecops.project import ProjectError
from mlsecops.toolbox import ToolboxError

_DIFFERENT, _USAGE, _INCOMPLETE, _INTERRUPTED = 1, 2, 3, 130

_folder = click.Path(path_type=Path)
_file = click.Path(path_type=Path, exists=True, dir_okay=False)
_policy = click.option(
    "--policy", "policy_file", type=_file, help=f"Policy file instead of {policy.DEFAULT_FILE}."
)


@click.group()
def models() -> None:
    """Lock, sign and list model files.

    Exit codes: 0 all is well, 1 a model is not what it should be, 2 wrong usage, 3 not everything could be
    looked at.
    """


@models.command()
@click.argument("project", type=_folder, default=Path())
@click.option("--check", is_flag=True, help="Only compare: 1 when a model is not what the lock says.")
@_policy
def lock(project: Path, check: bool, policy_file: Path | None) -> None:
    """Write the hashes of all model files of PROJECT to .github/mlsecops-models.lock.

    Pointers of Git LFS and DVC count by the hash that they record. Where there is a lock, the model stage
    finds every model that changes, appears or vanishes without its line. That the lock itself goes is found
    with `models: {require-lock: true}` in the policy.
    """
    with _clear_errors(), Session.opened(project, policy_file) as session:
        done = trust.compare(session) if check else trust.lock(session)
        for sign, path in done.changes:
            click.echo(f"{sign} {printable(path)}")
        _warn(done.problems, "not locked")
        _warn(dict.fromkeys(done.dangerous, "`mlsecops run --stage model` says why"), "dangerous")
        click.echo(f"{done.summary} {project / LOCK_FILE}")
    different = check and done.changes
    raise SystemExit(_DIFFERENT if different else _INCOMPLETE if done.problems else 0)


@models.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--key", type=_file, help="Private key to sign with: an elliptic curve's, in PEM, not encrypted."
)
@click.option(
    "--sigstore",
    is_flag=True,
    help="Sign as the workflow that this runs in, through Sigstore; needs its network.",
)
@click.option("--force", is_flag=True, help="Replace a signature that is there.")
def sign(path: Path, key: Path | None, sigstore: bool, force: bool) -> None:
    """Sign the model file or folder PATH with OpenSSF's model-signing.

    The signature of a file lies beside it (NAME.sig), that of a folder in it (model.sig) and covers all files
    below.
    """
    if (key is None) is not sigstore:
        raise click.UsageError("name --key FILE, or --sigstore")
    with _clear_errors(), Session.bare() as session:
        written = signing.sign_model(session, path, key, force=force)
        click.echo(f"signed {_shown(path)}: {_shown(written)}")


@models.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--key", type=_file, help="Public key that must have signed it, in PEM.")
@click.option("--identity", help="Identity of Sigstore that must have signed it.")
@click.option("--issuer", help="Who vouches for the identity.", metavar="URL")
@_policy
def verify(
    path: Path, key: Path | None, identity: str | None, issuer: str | None, policy_file: Path | None
) -> None:
    """Verify the signature of the model file or folder PATH.

    Without a key or an identity it must be by one of those whom the policy of this folder names.
    """
    if (identity is None) is not (issuer is None) or (key and identity):
        raise click.UsageError("name --key FILE, or --identity with --issuer")
    with _clear_errors():
        who = SignatureRequirement(identity=identity or "", issuer=issuer or "") if identity else None
        if key:
            who = SignatureRequirement(key=str(key.resolve()))
        with Session.bare(policy_file, with_policy=who is None) as session:
            answer = signing.verify_model(session, path, who)
    if answer.holds:
        click.echo(f"{_shown(path)}: signed by {printable(answer.signer)}")
        return
    fail(f"{_shown(path)}: {answer.reason}", _INCOMPLETE if answer.holds is None else _DIFFERENT)


@models.command()
@click.argument("project", type=_folder, default=Path())
@click.option("--out", type=_folder, required=True, help="File to write, such as ml-bom.cdx.json.")
@click.option("--serial-number", is_flag=True, help="Give the bill a random serial number.")
@_policy
def bom(project: Path, out: Path, serial_number: bool, policy_file: Path | None) -> None:
    """Write a CycloneDX 1.6 bill of materials of all model files of PROJECT.

    The same models give the same file; a time stands in it when SOURCE_DATE_EPOCH is set.
    """
    with _clear_errors(), Session.opened(project, policy_file) as session:
        about = About(
            project=session.root.name,
            made=_source_date(os.environ.get("SOURCE_DATE_EPOCH")),
            serial=uuid.uuid4().urn if serial_number else "",
        )
        done = trust.bill(session, about, out)
        _warn(done.problems, "not listed, or not in full")
        click.echo(f"{done.summary} {_shown(out)}")
    raise SystemExit(_INCOMPLETE if done.problems else 0)


def _source_date(seconds: str | None) -> datetime | None:
    """https://reproducible-builds.org/specs/source-date-epoch/. Raises UsageError."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise click.UsageError("SOURCE_DATE_EPOCH is no number of seconds") from error


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and the right exit code."""
    try:
        yield
    except (PolicyError, ProjectError, SignatureError) as error:
        fail(printable(str(error)), _USAGE)
    except LockError as error:
        fail(f"{LOCK_FILE} cannot be read: {error}", _INCOMPLETE)
    except (ToolError, ToolboxError) as error:
        fail(str(error), _INCOMPLETE)
    except KeyboardInterrupt:
        fail("interrupted", _INTERRUPTED)
    except OSError as error:
        where = f"{printable(str(error.filename))}: " if error.filename else ""
        fail(f"{where}{error.strerror or error}", _INCOMPLETE)


def _warn(problems: Mapping[str, str], what: str) -> None:
    for path in sorted(problems):
        click.echo(f"mlsecops: {printable(path)} is {what}: {printable(problems[path])}", err=True)


def _shown(path: Path) -> str:
    return printable(str(path))
