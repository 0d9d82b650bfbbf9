"""Our reading of model files against the corpus: nothing malicious passes, nothing harmless is stopped.

`MLSECOPS_CORPUS_SEED=N` takes another seed, which is printed with every failure. With `MLSECOPS_SCANNERS=1`
other scanners read the files as well, for the table in docs/model-scanners.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from corpus.collection import Placed, harmless, indeterminate, malicious, placed
from corpus.others import NAMES, scanned
from corpus.real_files import real_files
from corpus.table import OUTCOMES, Table
from mlsecops.models.inspect import inspect
from mlsecops.models.outcome import Inspected
from mlsecops.models.readers import READERS

SEED = int(os.environ.get("MLSECOPS_CORPUS_SEED", "20261121"))
BLOCKED, BLOCKED_IN_FAMILY, UNKNOWN_HARMLESS = 0.99, 0.95, 0.02


def inspected(files: Sequence[Placed], scratch: Path) -> dict[Path, Inspected]:
    """What ours says of each file."""
    return {each.path: inspect(each.path, readers=READERS, scratch=scratch, hashing=False) for each in files}


def accepted(file: Placed) -> tuple[str, ...]:
    """The outcomes that are right for a file."""
    return OUTCOMES[:-1] if file.expected == "not harmless" else (file.expected,)


def told(file: Placed, found: Inspected) -> str:
    """A line for whoever has to find out why."""
    facts = "; ".join(fact.message for fact in found.found.facts.values())
    return f"seed {SEED}, {file} ({file.path.name}): {found.outcome} {found.reason} {facts[:200]}"


@pytest.mark.parametrize("seed", [0, SEED], ids=["plain", "random"])
def test_what_is_malicious_is_blocked(seed: int, tmp_path: Path) -> None:
    files = placed(malicious(seed), tmp_path)
    found = inspected(files, tmp_path)
    clean = [told(each, found[each.path]) for each in files if found[each.path].outcome == "harmless"]
    assert not clean, "\n".join(clean)
    due = [each for each in files if each.expected == "dangerous"]
    missed = [each for each in due if found[each.path].outcome != "dangerous"]
    lines = "\n".join(told(each, found[each.path]) for each in missed)
    families, misses = Counter(each.family for each in due), Counter(each.family for each in missed)
    assert len(due) >= 250
    assert len(missed) <= len(due) * (1 - BLOCKED), lines
    for family, count in misses.items():
        assert count <= families[family] * (1 - BLOCKED_IN_FAMILY), f"{family}:\n{lines}"


@pytest.mark.parametrize("seed", [0, SEED], ids=["plain", "random"])
def test_what_is_harmless_passes(seed: int, tmp_path: Path) -> None:
    files = [*placed(harmless(seed), tmp_path), *(real_files() if seed == 0 else ())]
    found = inspected(files, tmp_path)
    stopped = [told(each, found[each.path]) for each in files if found[each.path].outcome == "dangerous"]
    assert not stopped, "\n".join(stopped)
    unread = [told(each, found[each.path]) for each in files if found[each.path].outcome != "harmless"]
    assert len(unread) <= len(files) * UNKNOWN_HARMLESS, "\n".join(unread)
    assert seed or len(files) >= 120


@pytest.mark.parametrize("seed", [0, SEED], ids=["plain", "random"])
def test_what_nobody_can_judge_is_never_clean_and_says_why(seed: int, tmp_path: Path) -> None:
    files = placed(indeterminate(seed), tmp_path)
    found = inspected(files, tmp_path)
    wrong = [each for each in files if found[each.path].outcome not in accepted(each)]
    assert not wrong, "\n".join(told(each, found[each.path]) for each in wrong)
    for each in files:
        reason = found[each.path].reason
        assert each.expected != "not scanned" or reason, each
        assert not each.reason or any(word in reason for word in each.reason), told(each, found[each.path])


def test_every_sample_says_what_it_is_and_where_it_is_from() -> None:
    samples = [*malicious(SEED), *harmless(SEED), *indeterminate(SEED)]
    assert all(each.name and each.family and each.technique and each.source for each in samples)
    assert [each.data for each in malicious(SEED)] == [each.data for each in malicious(SEED)]
    other = [each.data for each in malicious(SEED + 1)]
    assert sum(first.data != second for first, second in zip(malicious(SEED), other, strict=False)) > 200


@pytest.mark.skipif(
    "MLSECOPS_SCANNERS" not in os.environ, reason="MLSECOPS_SCANNERS=1 runs other scanners too"
)
def test_the_table_of_who_finds_what(tmp_path: Path) -> None:
    files = [*placed([*malicious(0), *harmless(0), *indeterminate(0)], tmp_path), *real_files()]
    ours = {path: each.outcome for path, each in inspected(files, tmp_path).items()}
    others = {name: scanned(name, files, tmp_path) for name in NAMES}
    table = Table(files, {"ours": ours, **others})
    print(f"\n{table.outcomes()}\n\n{table.malicious()}\n\n{table.harmless()}\n")
    assert all(len(outcomes) == len(files) for outcomes in table.scanners.values())
