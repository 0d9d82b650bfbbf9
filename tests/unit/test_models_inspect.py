"""One model file read: its outcome, its reason where it was not read, and the same again from JSON."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlsecops.models.inspect import inspect
from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.outcome import Inspected
from mlsecops.models.source import Source
from mlsecops.models.walk import Bounds, UnreadableError, Walk

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"


@dataclass(frozen=True)
class Script:
    """A format of the tests: a letter a byte, each of which the reader does something for."""

    format: str = "script"

    def recognises(self, head: bytes, source: Source) -> bool:
        if head.startswith(b"#?"):
            raise UnreadableError("cannot tell")
        return head.startswith(b"#!")

    def read(self, source: Source, walk: Walk) -> None:
        for offset, letter in enumerate(source.at(2, 100)):
            if letter in b"DUL":
                severity = {"D": 9.8, "U": 6.5, "L": 2.0}[chr(letter)]
                fact = Fact(rule="r", subject=f"m.{letter}", message="It does.", severity=severity)
                walk.found.add(fact)
            elif letter == ord("("):
                walk.read(source.part(2 + offset + 1, 100, "inner"))
            elif letter == ord("!"):
                raise UnreadableError("it is cut off")
            elif letter == ord("x"):
                raise KeyError("a defect")
        walk.found.streams += 1


def outcome(path: Path, content: bytes, bounds: Bounds | None = None) -> Inspected:
    file = path / "file"
    file.write_bytes(content)
    return inspect(file, readers=(Script(),), scratch=path, bounds=bounds)


@pytest.mark.parametrize(
    ("content", "expected", "reason"),
    [
        (b"#!", "harmless", ""),
        (b"#!L", "harmless", ""),
        (b"#!LU", "unknown", ""),
        (b"#!UD", "dangerous", ""),
        (b"#!D!", "dangerous", "it is cut off"),
        (b"#!U!", "not scanned", "it is cut off"),
        (b"#!(#!!", "not scanned", "inner: it is cut off"),
        (b"#!x", "not scanned", "mlsecops itself failed to read it as script (KeyError)"),
        (b"#?", "not scanned", "mlsecops itself failed to read it as script (UnreadableError)"),
        (b"", "not scanned", "it is empty"),
        (LFS, "not scanned", "it is a Git LFS pointer, the model itself is not here"),
        (b"\0\1\2", "not scanned", "its format is not known"),
    ],
)
def test_an_outcome_and_its_reason(tmp_path: Path, content: bytes, expected: str, reason: str) -> None:
    seen = outcome(tmp_path, content)
    assert (seen.outcome, seen.reason) == (expected, reason)
    assert seen.size == len(content)
    assert seen.sha256 == hashlib.sha256(content).hexdigest()


def test_a_fact_without_a_severity_of_a_rule_that_is_unknown_counts_as_high() -> None:
    found = Inspection()
    found.add(Fact(rule="no-such-rule", subject="x", message="It does."))
    assert Inspected(found=found).outcome == "dangerous"


def test_without_hashing_there_is_no_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"#!")
    seen = inspect(tmp_path / "file", readers=(Script(),), scratch=tmp_path, hashing=False)
    assert (seen.outcome, seen.sha256) == ("harmless", "")


def test_a_large_file_is_hashed_while_it_is_read(tmp_path: Path) -> None:
    content = b"#!D" + bytes(9 << 20)
    seen = outcome(tmp_path, content)
    assert (seen.outcome, seen.sha256) == ("dangerous", hashlib.sha256(content).hexdigest())


def test_a_file_that_is_known_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"#!D")
    digest = hashlib.sha256(b"#!D").hexdigest()
    seen = inspect(tmp_path / "file", readers=(Script(),), scratch=tmp_path, known={digest})
    assert (seen.known, seen.sha256, seen.found) == (True, digest, Inspection())


def test_a_file_of_too_many_parts_is_not_scanned(tmp_path: Path) -> None:
    seen = outcome(tmp_path, b"#!(((", bounds=Bounds(parts=0))
    assert (seen.outcome, seen.reason) == ("not scanned", "it has more than 0 parts")


def test_links_pipes_and_what_is_not_there_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"#!")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    reasons = {
        name: inspect(tmp_path / name, readers=(Script(),), scratch=tmp_path).reason
        for name in ("link", "pipe", "missing", ".")
    }
    assert reasons["link"].startswith("it cannot be read: ")
    assert reasons["missing"] == "it cannot be read: No such file or directory"
    assert reasons["pipe"] == reasons["."] == "it cannot be read: Not a regular file"


def test_a_file_that_changes_meanwhile_is_not_scanned(tmp_path: Path) -> None:
    class Growing(Script):
        def read(self, source: Source, walk: Walk) -> None:
            with (tmp_path / "file").open("ab") as stream:
                stream.write(b"more")

    (tmp_path / "file").write_bytes(b"#!")
    seen = inspect(tmp_path / "file", readers=(Growing(),), scratch=tmp_path)
    assert (seen.outcome, seen.reason) == ("not scanned", "it changed while it was read")


def test_a_file_that_cannot_be_read_is_not_scanned(tmp_path: Path) -> None:
    class Failing(Script):
        def read(self, source: Source, walk: Walk) -> None:
            raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"#!")
    seen = inspect(tmp_path / "file", readers=(Failing(),), scratch=tmp_path)
    assert (seen.outcome, seen.reason) == ("not scanned", "it cannot be read: Input/output error")


def test_json_and_back(tmp_path: Path) -> None:
    seen = outcome(tmp_path, b"#!DUL(#!!")
    seen.found.imports.add("posix.system")
    seen.found.details["version"] = "1"
    again = Inspected.from_json(json.loads(json.dumps(seen.to_json())))
    assert again == seen
