"""`python -m release`: the parts of a release, one command each; `scripts/release-check` starts the first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click
from mlsecops.github.client import Client, GitHubError

from release import assets as files
from release import changelog, git, tags
from release.assets import AssetError
from release.check import check as complaints_of
from release.git import GitError
from release.references import Version
from release.tags import PublishError
from release.tree import TreeError, read_tree
from release.versions import VersionError, tagged_version

ROOT = Path(__file__).resolve().parents[2]
_FAILURES = (AssetError, GitError, GitHubError, PublishError, TreeError, VersionError)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn what a maintainer can mend into one line and exit code 1."""
    try:
        yield
    except _FAILURES as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Making:
    """The release that a command is about; `repository` is owner/name."""

    root: Path
    version: Version
    commit: str
    repository: str


def of_release(function: Callable[..., None]) -> Callable[..., None]:
    """A command about one tag: it gets a Making."""

    @click.argument("tag")
    @click.option("--root", type=click.Path(path_type=Path), default=ROOT, hidden=True)
    @click.option(
        "--repository",
        envvar="GITHUB_REPOSITORY",
        required=True,
        help="owner/name of the repository. [default: $GITHUB_REPOSITORY]",
    )
    @wraps(function)
    def with_release(tag: str, root: Path, repository: str, **rest: object) -> None:
        with clear_errors():
            version = tagged_version(tag)
            commit = git.commit_of(root, f"refs/tags/{tag}")
            function(Making(root, version, commit, repository), **rest)

    return with_release


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check and make a release of mlsecops."""


@command.command()
@click.argument("tag", default="")
@click.option("--root", type=click.Path(path_type=Path), default=ROOT, hidden=True)
def check(tag: str, root: Path) -> None:
    """Check versions, snippets, links and command lines; with TAG, that all is ready for that release."""
    from mlsecops.cli import command as ours

    with clear_errors():
        complaints = complaints_of(read_tree(root), ours, tag)
    for sentence in complaints:
        click.echo(sentence, err=True)
    if complaints:
        raise click.ClickException(f"{len(complaints)} to mend")


@command.command()
@of_release
@click.argument("out", type=click.Path(path_type=Path))
def assets(making: Making, out: Path) -> None:
    """Write the files of the release TAG into the new folder OUT."""
    built = files.build(making.root, making.version, making.commit, making.repository)
    out.mkdir(parents=True)
    for name, content in built.items():
        (out / name).write_bytes(content)


@command.command()
@of_release
def notes(making: Making) -> None:
    """Print what the page of the release TAG says."""
    text = git.run(making.root, "show", f"{making.commit}:{changelog.FILE}").decode()
    click.echo(files.notes(text, making.version, making.commit, making.repository), nl=False)


@command.command()
@of_release
def ready(making: Making) -> None:
    """Ask GitHub whether the release TAG can be made."""
    tags.ready(_client(), making.repository, making.version, making.commit)


@command.command(name="move-tag")
@of_release
def move_tag(making: Making) -> None:
    """Let the moving tag, such as v1, lead to the release TAG."""
    click.echo(tags.move(_client(), making.repository, making.version, making.commit))


def _client() -> Client:
    url = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    return Client(url, os.environ.get("GITHUB_TOKEN", ""))


if __name__ == "__main__":
    command(prog_name="release")
