"""The lock of model files: its text, what pointers record, and what is not as it says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mlsecops.job import Scan, Skip
from mlsecops.model_scanning import trust
from mlsecops.model_scanning.entries import Described
from mlsecops.models.cli import models
from mlsecops.models.trust import recorded
from mlsecops.models.trust.files import read_lock, write
from mlsecops.models.trust.gather import gather
from mlsecops.models.trust.lock import (
    LOCK_FILE,
    MAX_BYTES,
    Entry,
    Lock,
    LockError,
    Seen,
    check_lock,
    parse,
    render,
)
from mlsecops.models.trust.recorded import RecordedError
from mlsecops.policy import ModelSettings, Policy
from mlsecops.project import discover
from mlsecops.scan import scan
from mlsecops.tools.model_lock import ModelLock, canary, due
from support import pickles
from support.contexts import context

A, B = "a" * 64, "b" * 64
OID = hashlib.sha256(b"x").hexdigest()
MD5 = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
DEFAULT = Policy()
HEADER = b'{"mlsecops-models": 1}\n'


def entry(path: str, sha256: str = A, md5: str = "") -> Entry:
    return Entry(path=path, sha256=sha256, md5=md5)


def locked(*entries: Entry) -> Lock:
    return parse(render(entries))


def compared(lock: Lock, *seen: Seen) -> list[tuple[str, str, str, int]]:
    return [(each.rule, each.path, each.place, each.line) for each in check_lock(lock, seen)]


def now(path: str, sha256: str = A, md5: str = "", *, here: bool = True) -> Seen:
    return Seen(entry(path, sha256, md5), f"{path}.dvc" if not here else path, here=here)


def test_a_lock_reads_as_it_was_written_and_sorts_by_path() -> None:
    full = Entry(
        path="m/é\n\u202egnp.pkl",
        sha256=A,
        md5=MD5,
        size=3,
        format="pickle",
        producer="scikit-learn",
        verdict="harmless",
        signer="key k.pub",
    )
    text = render([full, Entry(path="a\udcff.onnx", sha256=B)])
    assert text.isascii()
    assert text.count(b"\n") == 3
    assert [json.loads(line).get("path") for line in text.splitlines()] == [None, "a\udcff.onnx", full.path]
    lock = parse(text)
    assert lock.entries[full.path] == full
    assert lock.lines == {"a\udcff.onnx": 2, full.path: 3}
    assert render(lock.entries.values()) == text


def test_one_changed_model_is_one_changed_line() -> None:
    before = render([entry("a"), entry("b"), entry("c")]).splitlines()
    after = render([entry("c"), entry("b", B), entry("a")]).splitlines()
    assert [left == right for left, right in zip(before, after, strict=True)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "line 1: not a JSON object"),
        (b"{}", "line 1: not {"),
        (b'{"mlsecops-models": 2}\n', "line 1: not {"),
        (HEADER + b"x", "line 2: not a JSON object"),
        (HEADER + b"[]", "line 2: not a JSON object"),
        (HEADER + b"[" * 100_000, "line 2: not a JSON object"),
        (HEADER + b"<<<<<<< ours", "line 2: a merge conflict"),
        (HEADER + b'{"path": "a", "path": "b"}', "line 2: not a JSON object"),
        (HEADER + b'{"path": "a", "\\u001b": 1}', 'line 2: unknown key "\\u001b"'),
        (HEADER + b'{"path": 1}', "line 2: a value that is not text"),
        (HEADER + b'{"path": "a"}', "line 2: not a whole hash"),
        (HEADER + b'{"path": "a", "sha256": "AA"}', "line 2: not a whole hash"),
        (HEADER + b'{"path": "a", "md5": "aa"}', "line 2: not a whole hash"),
        (HEADER + b'{"sha256": "%s"}' % (b"a" * 64), "line 2: not a path"),
        (HEADER + b'{"path": "../a"}', "line 2: not a path"),
        (HEADER + b'{"path": "/a"}', "line 2: not a path"),
        (HEADER + b'{"path": "a", "size": -1}', "line 2: not a size"),
        (HEADER + b'{"path": "a", "size": true}', "line 2: not a size"),
        (HEADER + "é".encode(), "line 2: not plain ASCII"),
        (render([entry("a")]) + render([entry("a")]).splitlines()[1], "line 3: the same path as line 2"),
        (b" " * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_lock_is_refused_with_its_line(text: bytes, sentence: str) -> None:
    with pytest.raises(LockError) as caught:
        parse(text)
    assert sentence in str(caught.value)


def test_blank_lines_of_a_lock_do_not_matter() -> None:
    assert parse(HEADER + b"\n\r\n").entries == {}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_lock_or_refused(content: bytes) -> None:
    for text in (content, HEADER + content):
        try:
            parse(text)
        except LockError:
            continue


def test_models_as_they_were_locked() -> None:
    lock = locked(entry("a"), entry("b", "", MD5), entry("c", A, MD5))
    assert compared(lock, now("a"), now("b", "", MD5, here=False), now("c", "", MD5, here=False)) == []
    assert compared(lock, now("a"), now("b", B, MD5), now("c")) == []
    assert compared(Lock()) == []


def test_changed_appeared_and_gone() -> None:
    lock = locked(entry("a"), entry("b"), entry("c", "", MD5))
    found = compared(lock, now("a", B), now("c", "", "0" * 32, here=False), now("d", B))
    assert found == [
        ("model-changed", "a", "a", 1),
        ("model-changed", "b", LOCK_FILE, 3),
        ("model-changed", "c", "c.dvc", 1),
        ("model-not-locked", "d", "d", 1),
    ]


def test_a_hash_of_another_kind_is_no_proof() -> None:
    assert compared(locked(entry("a", "", MD5)), now("a")) == [("model-changed", "a", "a", 1)]


def test_both_hashes_must_hold() -> None:
    lock = locked(entry("a", A, MD5))
    assert compared(lock, now("a", A, "0" * 32)) == [("model-changed", "a", "a", 1)]
    assert compared(lock, now("a", B, MD5)) == [("model-changed", "a", "a", 1)]


def test_a_moved_model_says_where_it_was() -> None:
    messages = [each.message for each in check_lock(locked(entry("old\n")), [now("new")])]
    assert 'what the lock has for "old\\n"' in messages[0]
    assert "what the lock has" not in check_lock(locked(entry("o", "", MD5)), [now("n", "", MD5)])[0].message


def test_a_folder_that_is_away_stands_for_its_files() -> None:
    lock = locked(entry("m", "", f"{MD5}.dir"), entry("m/a"), entry("mm/a"))
    away, here = now("m", "", f"{MD5}.dir", here=False), now("m", "", f"{MD5}.dir")
    assert compared(lock, away, now("mm/a")) == []
    assert [each[1] for each in compared(lock, away)] == ["mm/a"]
    assert [each[1] for each in compared(lock, here, now("mm/a"))] == ["m/a"]


def test_pointers_of_git_lfs() -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{A}\nsize 12\n".encode()
    assert recorded.lfs("a", text) == Entry(path="a", sha256=A, size=12)
    for broken in (b"", text.replace(b"sha256", b"md5"), text.replace(b"size", b"sizes"), text + text):
        with pytest.raises(RecordedError):
            recorded.lfs("a", broken)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (f"SHA256E-s12--{A}.pkl", Entry(path="a", sha256=A, size=12)),
        (f"SHA256--{A}", Entry(path="a", sha256=A)),
        (f"MD5E-s1-m2--{MD5}.tar.gz", Entry(path="a", md5=MD5, size=1)),
        ("WORM-s1--a.pkl", None),
        ("SHA256E-s12--abc.pkl", None),
        (f"SHA1-s1--{'a' * 40}", None),
    ],
)
def test_keys_of_git_annex(key: str, found: Entry | None) -> None:
    for place in (f"../.git/annex/objects/Xx/9z/{key}/{key}", f"/annex/objects/{key}\n"):
        if found is None:
            with pytest.raises(RecordedError):
                recorded.annex("a", place.encode())
        else:
            assert recorded.annex("a", place.encode()) == found


def test_dvc_files() -> None:
    text = f"outs:\n- md5: {MD5}\n  size: 5\n  hash: md5\n  path: price.pkl\n".encode()
    assert recorded.dvc("models/price.pkl.dvc", text) == {
        "models/price.pkl": Entry(path="models/price.pkl", md5=MD5, size=5)
    }
    folder = f"outs:\n- md5: {MD5}.dir\n  nfiles: 2\n  path: ./bert/\n- path: gone.pkl\n".encode()
    found = recorded.dvc("bert.dvc", folder)
    assert found["bert"] is not None
    assert found["bert"].is_folder
    assert found["gone.pkl"] is None


def test_the_lock_of_a_pipeline() -> None:
    outs = f"outs: [{{path: m/a.pkl, md5: {MD5}}}, {{path: ../../out.pkl, md5: {MD5}}}, 7]"
    for text in (f"stages: {{train: {{cmd: x, {outs}}}, none: 3}}", f"train: {{cmd: x, {outs}}}"):
        assert list(recorded.dvc("sub/dvc.lock", text.encode())) == ["sub/m/a.pkl"]
    assert recorded.dvc("dvc.lock", b"stages: 3") == {}
    assert recorded.dvc("dvc.lock", b"- 3") == {}
    assert recorded.dvc("a.dvc", b"outs: 3") == {}


def test_files_whose_versions_the_remote_keeps() -> None:
    text = f"outs: [{{path: m, files: [{{relpath: a/b.pkl, md5: {MD5}}}, {{relpath: ../c}}, 4]}}]"
    assert recorded.dvc("m.dvc", text.encode()) == {"m/a/b.pkl": Entry(path="m/a/b.pkl", md5=MD5)}


def test_what_lies_elsewhere_is_not_the_projects() -> None:
    text = (
        f"outs: [{{path: s3://b/m.pkl, md5: {MD5}}}, {{path: /m.pkl, md5: {MD5}}}, {{path: ., md5: {MD5}}}]"
    )
    assert recorded.dvc("m.dvc", text.encode()) == {}


def test_a_dvc_file_that_cannot_be_read() -> None:
    with pytest.raises(RecordedError, match="line 1"):
        recorded.dvc("m.dvc", b"outs: [")


@given(st.binary(max_size=120))
def test_any_bytes_are_a_record_or_refused(content: bytes) -> None:
    for read in (recorded.lfs, recorded.annex, recorded.dvc):
        try:
            read("m.dvc", content)
        except RecordedError:
            continue


def make(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def lfs_pointer(oid: str) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1\n".encode()


def test_content_and_pointers_are_gathered(tmp_path: Path) -> None:
    root = make(
        tmp_path,
        {
            "a.pkl": pickles.harmless(),
            "b.pkl": lfs_pointer(OID),
            "c.pkl": b"/annex/objects/SHA256E-s1--" + OID.encode() + b".pkl\n",
            "d.pkl.dvc": f"outs: [{{path: d.pkl, md5: {MD5}}}]".encode(),
            "dvc.lock": f"t: {{outs: [{{path: e.onnx, md5: {MD5}}}, {{path: t.csv, md5: {MD5}}}]}}".encode(),
            "f.pkl": pickles.harmless(),
            "f.pkl.dvc": f"outs: [{{path: f.pkl, md5: {MD5}}}]".encode(),
            "saved/saved_model.pb": b"\x08\x01\x12\x00",
            "saved/variables/variables.index": b"i",
            "saved/variables/variables.data-00000-of-00001": b"d",
        },
    )
    (root / "l.pkl").symlink_to(f".git/annex/objects/K/k/SHA256E-s1--{OID}.pkl/SHA256E-s1--{OID}.pkl")
    found = gather(discover(root))
    assert found.problems == {}
    by_path = {each.entry.path: each for each in found.seen}
    assert sorted(by_path) == [
        *("a.pkl", "b.pkl", "c.pkl", "d.pkl", "e.onnx", "f.pkl", "l.pkl", "saved/saved_model.pb"),
        *("saved/variables/variables.data-00000-of-00001", "saved/variables/variables.index"),
    ]
    content = hashlib.sha256(pickles.harmless()).hexdigest()
    assert by_path["a.pkl"].entry == Entry(
        path="a.pkl", sha256=content, size=len(pickles.harmless()), format="pickle"
    )
    assert {by_path[name].entry.sha256 for name in ("b.pkl", "c.pkl", "l.pkl")} == {OID}
    assert (by_path["d.pkl"].entry.md5, by_path["d.pkl"].place, by_path["d.pkl"].here) == (
        MD5,
        "d.pkl.dvc",
        False,
    )
    assert by_path["e.onnx"].place == "dvc.lock"
    # What is here counts by its content, whatever DVC says of it.
    assert by_path["f.pkl"].entry.sha256 == content
    assert by_path["f.pkl"].entry.md5 == hashlib.md5(pickles.harmless(), usedforsecurity=False).hexdigest()


def test_what_cannot_be_pinned_is_a_problem(tmp_path: Path) -> None:
    root = make(
        tmp_path,
        {
            "b.pkl": lfs_pointer("zz"),
            "c.pkl": b"/annex/objects/WORM-s1--x\n",
            "d.pkl.dvc": b"outs: [{path: d.pkl, etag: 1}]",
            "e.dvc": b"outs: [",
        },
    )
    (root / "l.pkl").symlink_to("/nowhere/at/all.pkl")
    found = gather(discover(root))
    assert sorted(found.problems) == ["b.pkl", "c.pkl", "d.pkl", "e.dvc", "l.pkl"]
    assert found.seen == ()


def test_files_are_written_whole_and_only_when_needed(tmp_path: Path) -> None:
    target = tmp_path / ".github" / "x.lock"
    assert write(target, b"1")
    before = target.stat()
    assert not write(target, b"1")
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write(target, b"2")
    assert [path.name for path in target.parent.iterdir()] == ["x.lock"]


def own(root: Path, work: Path, policy: Policy = DEFAULT) -> dict[str, object]:
    """What the check says of a project; `rules` are those of its findings."""
    planned = due(discover(root), policy)
    assert isinstance(planned, Scan)
    run = scan(planned.tool, planned.targets, context("model", root, work))
    properties: dict[str, object] = run["properties"]["mlsecops"]
    return {**properties, "rules": [result["ruleId"] for result in run["results"]]}


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    return make(tmp_path / "project", {"m/a.pkl": pickles.harmless(), "m/b.pkl": lfs_pointer(OID)})


def lock(root: Path) -> None:
    found = gather(discover(root))
    write(root / LOCK_FILE, render(each.entry for each in found.seen))


def test_without_a_lock_the_check_is_not_due(root: Path) -> None:
    planned = due(discover(root), DEFAULT)
    assert isinstance(planned, Skip)
    assert "mlsecops models lock" in planned.reason


def test_a_policy_may_ask_for_a_lock(root: Path, tmp_path: Path) -> None:
    asked = Policy(models=ModelSettings(require_lock=True))
    assert own(root, tmp_path, asked)["rules"] == ["model-not-locked", "model-not-locked"]
    assert isinstance(due(discover(make(tmp_path / "empty", {"a.txt": b""})), asked), Skip)


def test_locked_models_pass_and_changed_ones_do_not(root: Path, tmp_path: Path) -> None:
    lock(root)
    assert own(root, tmp_path / "1")["status"] == "passed"
    # Fetched from LFS, the model is the same one.
    (root / "m/b.pkl").write_bytes(b"x")
    assert own(root, tmp_path / "2")["status"] == "passed"
    (root / "m/a.pkl").write_bytes(pickles.echo())
    (root / "m/c\n.pkl").write_bytes(pickles.harmless())
    (root / "m/b.pkl").unlink()
    said = own(root, tmp_path / "3")
    assert (said["status"], said["rules"]) == (
        "findings",
        ["model-changed", "model-changed", "model-not-locked"],
    )


def test_a_lock_without_models_is_looked_at(tmp_path: Path) -> None:
    root = make(tmp_path / "project", {LOCK_FILE: render([])})
    assert own(root, tmp_path)["status"] == "passed"


def test_another_content_is_a_new_finding(root: Path, tmp_path: Path) -> None:
    lock(root)
    prints = []
    for number, content in enumerate((pickles.harmless(4), pickles.echo(), pickles.echo())):
        (root / "m/a.pkl").write_bytes(content)
        planned = due(discover(root), DEFAULT)
        assert isinstance(planned, Scan)
        run = scan(planned.tool, planned.targets, context("model", root, tmp_path / str(number)))
        prints.append(run["results"][0]["partialFingerprints"]["mlsecops/v1"])
    assert prints[0] != prints[1] == prints[2]


@pytest.mark.parametrize("content", [b"", HEADER + b"<<<<<<< ours\n"])
def test_a_lock_that_cannot_be_read_is_incomplete(content: bytes, root: Path, tmp_path: Path) -> None:
    make(root, {LOCK_FILE: content})
    said = own(root, tmp_path)
    assert said["status"] == "incomplete"
    assert f"mlsecops-model-lock: {LOCK_FILE} cannot be read: line" in str(said["reason"])


def test_a_lock_that_is_a_link_is_incomplete(root: Path, tmp_path: Path) -> None:
    lock(root)
    (root / LOCK_FILE).rename(tmp_path / "elsewhere")
    (root / LOCK_FILE).symlink_to(tmp_path / "elsewhere")
    said = own(root, tmp_path)
    assert said["status"] == "incomplete"
    assert "it is a link" in str(said["reason"])
    with pytest.raises(LockError):
        read_lock(tmp_path)


def test_a_pointer_without_hash_is_incomplete(root: Path, tmp_path: Path) -> None:
    lock(root)
    (root / "m/b.pkl").write_bytes(lfs_pointer("zz"))
    said = own(root, tmp_path)
    assert said["status"] == "incomplete"
    assert said["rules"] == []


def test_the_canary_sets_off_every_rule() -> None:
    assert canary() == ModelLock().canary_rules


def test_a_dangerous_model_is_locked_and_that_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = Entry(path="m/evil\n.pkl", sha256=A, verdict="dangerous")
    monkeypatch.setattr(trust, "describe", lambda job, signers: Described((evil,), {}))
    done = CliRunner().invoke(models, ["lock", str(root)])
    assert done.exit_code == 0
    assert "mlsecops: m/evil\\n.pkl is dangerous" in done.stderr
    assert "1 model file locked in" in done.stdout
    assert parse((root / LOCK_FILE).read_bytes()).entries[evil.path] == evil
