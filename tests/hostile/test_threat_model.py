"""The threat model names every attack of this folder, with its outcome, and no other."""

from __future__ import annotations

from pathlib import Path

from hostile.attacks.attack import Attack
from hostile.attacks.reporting import ATTACKS as FORGERIES
from hostile.attacks.reporting import Forgery
from hostile.test_pull_requests import ATTACKS

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"


def known() -> dict[str, Attack | Forgery]:
    """All attacks by name."""
    return {**ATTACKS, **{f"report-{name}": each for name, each in FORGERIES.items()}}


def test_there_are_many() -> None:
    assert len(known()) >= 60
    assert all(each.tries for each in known().values())


def test_the_threat_model_names_each_of_them_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    said = {name.strip("| `"): (tries, outcome.strip(" |")) for name, tries, outcome in rows}
    assert said == {name: (each.tries, _outcome(each)) for name, each in known().items()}


def _outcome(attack: Attack | Forgery) -> str:
    """What a row says of an attack: the verdict, and what it must come with."""
    sees = f", with `{attack.sees.rstrip('-/')}`" if isinstance(attack, Attack) and attack.sees else ""
    told = attack.says.strip(" :")
    return f"{attack.word}{sees}{f', and `{told}` is said' if told else ''}"
