"""What a change is compared with: the newest report of its base branch, out of that run's artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mlsecops.github.archive import ArtifactError, unpack_report
from mlsecops.github.client import Client, ForbiddenError, GitHubError, NotFoundError
from mlsecops.github.event_model import Event
from mlsecops.github.inputs import artifact_name
from mlsecops.github.paths import of_repository
from mlsecops.report.history import FILE, HistoryError, read_history
from mlsecops.sarif.build import Json
from mlsecops.sarif.files import SarifError, read
from mlsecops.sarif.json_types import natural, object_of

# These run on a branch as it is; a pull request's run would compare a change with itself.
_TRUSTED = frozenset({"push", "schedule", "workflow_dispatch"})
_MOST_LISTED = 1_000
_MOST_TRIED = 10
_ZIP_BYTES = 64 << 20
_REPORT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The report to compare with and what people are told it is ("main@9d01e77"), both None without one.

    `history` is the same run's report.json, where it can be read, for the page.
    """

    path: Path | None = None
    source: str | None = None
    history: tuple[Path, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A report artifact, the run and commit that it is of, and the bytes of its zip."""

    id: int
    run: int
    sha: str
    size: int


def newest(client: Client, event: Event, identifier: str, into: Path) -> Baseline:
    """The newest report of the base branch that can be had and read, unpacked into the folder `into`.

    Only reports of this repository's own pushes, schedules and manual runs count: a fork may have a branch of
    the same name. What goes wrong is no error but a notice, for the verdict goes on without a baseline.
    """
    branch = event.baseline_branch
    if branch is None:
        return Baseline()
    notices: list[str] = []
    try:
        for candidate in islice(_candidates(client, event, branch, identifier), _MOST_TRIED):
            try:
                path = _fetched(client, event, candidate, into)
            except (ArtifactError, NotFoundError) as error:
                notices.append(f"the report of {branch}@{candidate.sha} is passed over: {error}")
                continue
            if path is not None:
                source = f"{branch}@{candidate.sha}"
                return Baseline(path=path, source=source, history=_history(path), notices=tuple(notices))
    except (ForbiddenError, NotFoundError) as error:
        notices.append(
            f"there is no baseline: reports of earlier runs need the permission actions: read ({error})"
        )
    except GitHubError as error:
        notices.append(f"there is no baseline: {error}")
    return Baseline(notices=tuple(notices))


def _candidates(client: Client, event: Event, branch: str, identifier: str) -> Iterator[_Candidate]:
    """Reports that say that they are of the branch, the newest first, as GitHub lists them."""
    listed = client.pages(
        of_repository(event.repository, "actions", "artifacts"),
        "artifacts",
        most=_MOST_LISTED,
        name=artifact_name(identifier, "report"),
    )
    for artifact in listed:
        run = object_of(artifact, "workflow_run")
        number, identity = natural(artifact.get("id")), natural(run.get("id"))
        own = natural(run.get("repository_id")) is not None
        own = own and run.get("repository_id") == run.get("head_repository_id")
        fresh = artifact.get("expired") is False and identity != event.run_id
        if number and identity and own and fresh and run.get("head_branch") == branch:
            size = natural(artifact.get("size_in_bytes")) or 0
            yield _Candidate(number, identity, str(run.get("head_sha"))[:7], size)


def _fetched(client: Client, event: Event, candidate: _Candidate, into: Path) -> Path | None:
    """The report of a candidate, None when its run is not to be trusted.

    Raises ArtifactError when it cannot be used, GitHubError when GitHub cannot be asked.
    """
    run = client.get(of_repository(event.repository, "actions", "runs", candidate.run))
    if not isinstance(run, dict) or not _is_trusted(run, event):
        return None
    if candidate.size > _ZIP_BYTES:
        raise ArtifactError(f"it has more than {_ZIP_BYTES >> 20} MiB")
    archive = into / "report.zip"
    into.mkdir(parents=True, exist_ok=True)
    (into / FILE).unlink(missing_ok=True)  # of a candidate that was passed over
    zipped = of_repository(event.repository, "actions", "artifacts", candidate.id, "zip")
    client.download(zipped, archive, most_bytes=_ZIP_BYTES)
    path = unpack_report(archive, into, most_bytes=_REPORT_BYTES)
    try:
        read(path, max_bytes=_REPORT_BYTES)
    except SarifError as error:
        raise ArtifactError(str(error).replace(str(path), path.name)) from None
    return path


def _history(report: Path) -> tuple[Path, ...]:
    """The report.json beside a report; a page without it lacks a column, and nothing else."""
    path = report.with_name(FILE)
    try:
        return (path,) if read_history([path]) else ()
    except (HistoryError, OSError):
        return ()


def _is_trusted(run: Json, event: Event) -> bool:
    home = object_of(run, "head_repository").get("full_name")
    return run.get("event") in _TRUSTED and str(home).casefold() == event.repository.casefold()
