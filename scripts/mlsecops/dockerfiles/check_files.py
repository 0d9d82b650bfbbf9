"""Checks of the files that a build takes in: ADD and COPY, and what `.dockerignore` keeps out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlsecops.dockerfiles import rules
from mlsecops.dockerfiles.found import Found, Surroundings
from mlsecops.dockerfiles.ignore import leaves_out, patterns
from mlsecops.dockerfiles.instruction import Instruction, expand
from mlsecops.dockerfiles.secrets import is_secret_file
from mlsecops.dockerfiles.syntax import Dockerfile, Stage

_URL = re.compile(r"(https?|ftp)://(\S+)")
_REPOSITORY = re.compile(r"(?:git@|git://|ssh://)\S+|https?://\S+\.git(?:[#?]\S*)?")
_COMMIT = re.compile(r"#[0-9a-f]{40}(?::|$)|[?&](?:commit|checksum)=[0-9a-f]{40}\b")
_OPEN_MODE = re.compile(r"[0246]?[0-7]{2}[2367]")
_ALL = frozenset({".", "./", "*", "./*", "/", "/*"})
# Data that a program reads can do less than a program.
_REPOSITORY_SEVERITY = 5.0
_IGNORES_SOME = 3.5
_LEAKS_NOW = 7.5


def check_sources(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """ADD of a URL, files with secrets, modes that let everyone write."""
    del around
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword in ("ADD", "COPY"):
                yield from _secret_files(instruction)
                if _OPEN_MODE.fullmatch(instruction.flag("chmod") or ""):
                    text = f"{instruction.keyword} --chmod makes files writable for everyone."
                    yield Found(rules.WORLD_WRITABLE, text, instruction.line)
            if instruction.keyword == "ADD" and instruction.flag("checksum") is None:
                yield from _urls(instruction, stage)


def check_context(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """`COPY . .` where no `.dockerignore` leaves out the repository's history and its secrets."""
    copies = [
        each
        for each in dockerfile.instructions
        if each.keyword in ("ADD", "COPY") and each.flag("from") is None and _ALL & set(_sources(each))
    ]
    if not copies:
        return
    ignores = _ignore_files(around)
    rows = [patterns(around.read(uri)) for uri in ignores]
    leaks = [uri for uri in _secrets_in_context(around) if not any(leaves_out(row, uri) for row in rows)]
    for instruction in copies:
        if leaks:
            text = f"The whole context is copied, and with it {leaks[0]}."
            yield Found(rules.COPY_ALL, text, instruction.line, severity=_LEAKS_NOW)
        elif not ignores:
            text = "The whole context is copied, and there is no .dockerignore."
            yield Found(rules.COPY_ALL, text, instruction.line)
        else:
            missing = [name for name in (".git", ".env") if not any(leaves_out(row, name) for row in rows)]
            if missing:
                kept = " and ".join(missing)
                text = f"The whole context is copied, and {ignores[0]} does not leave out {kept}."
                yield Found(rules.COPY_ALL, text, instruction.line, severity=_IGNORES_SOME)


def _sources(instruction: Instruction) -> list[str]:
    return instruction.words()[:-1]


def _secret_files(instruction: Instruction) -> Iterator[Found]:
    for source in _sources(instruction):
        if not source.startswith("<<") and is_secret_file(source):
            yield Found(rules.SECRET_FILE, f"{source} is copied into the image.", instruction.line)


def _urls(instruction: Instruction, stage: Stage) -> Iterator[Found]:
    for written in _sources(instruction):
        source = expand(written, stage.variables) or written
        if _REPOSITORY.fullmatch(source):
            if not _COMMIT.search(source):
                text = "ADD takes a Git repository without a pinned commit."
                yield Found(rules.ADD_URL, text, instruction.line, severity=_REPOSITORY_SEVERITY)
        elif url := _URL.match(source):
            how = "over plain HTTP and without a checksum" if url[1] != "https" else "without a checksum"
            yield Found(rules.ADD_URL, f"ADD downloads a file {how}.", instruction.line)


def _ignore_files(around: Surroundings) -> list[str]:
    """The `.dockerignore` that counts: the Dockerfile's own, else those of its folder and of the root."""
    own = f"{around.uri}.dockerignore"
    if own in around.files:
        return [own]
    folder = posixpath.dirname(around.uri)
    names = dict.fromkeys((posixpath.join(folder, ".dockerignore"), ".dockerignore"))
    return [name for name in names if name in around.files]


def _secrets_in_context(around: Surroundings) -> list[str]:
    """Files of the repository that usually hold secrets, in the Dockerfile's folder or below it."""
    folder = posixpath.dirname(around.uri)
    inside = sorted(uri for uri in around.files if posixpath.commonpath([folder, uri]) == folder)
    return [posixpath.relpath(uri, folder or ".") for uri in inside if is_secret_file(uri)]
