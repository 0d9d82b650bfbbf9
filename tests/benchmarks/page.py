"""Opens the page with 0 to 25,000 findings in Chromium, types into its search, sorts and groups.

`.venv-dev/bin/python tests/benchmarks/page.py` prints the page's size and, in milliseconds, when the first
rows are there and drawn, and how long the slowest keystroke, sort and grouping take: medians of some rounds.
Ends 0 when every page is drawn, and each of the others is done, within a second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from mlsecops.report.page import page
from mlsecops.report.parts import Links
from support.browser import Browser
from support.reports import history, many

SECOND = 1000.0
# The slowest of each kind, layout included.
SLOWEST = """(() => {
  const slowest = (steps) => Math.max(...steps.map((step) => {
    const begin = performance.now();
    step();
    document.body.offsetHeight;
    return performance.now() - begin;
  }));
  const search = document.getElementById("search");
  const typed = "module_77 value";
  const type = (text) => { search.value = text; search.dispatchEvent(new Event("input")); };
  const group = document.getElementById("group");
  const pick = (value) => { group.value = value; group.dispatchEvent(new Event("change")); };
  const keys = slowest([...typed].map((_, end) => () => type(typed.slice(0, end + 1))));
  type("");
  const sorts = slowest([...document.querySelectorAll(".sort")].map((each) => () => each.click()));
  return [keys, sorts, slowest([...group.options].map(({ value }) => () => pick(value)))];
})()"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds from the start of the navigation, then of the slowest of each kind."""

    rows: float
    drawn: float
    key: float
    sort: float
    group: float


def main() -> int:
    """Make the pages, use them, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--findings", type=int, nargs="*", default=[0, 1, 50, 25_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{'findings':>9} {'kB':>6} {'rows':>6} {'drawn':>6} {'key':>6} {'sort':>6} {'group':>6}")
    slowest = 0.0
    with tempfile.TemporaryDirectory(prefix="mlsecops-page-") as scratch, Browser() as browser:
        for number in options.findings:
            file = Path(scratch, "index.html")
            file.write_text(page(*many(number), Links(), history()), encoding="utf-8")
            rounds = [measured(browser, file) for _ in range(options.rounds)]
            figures = [median(each) for each in zip(*map(astuple, rounds), strict=True)]
            slowest = max(slowest, *figures)
            told = " ".join(f"{each:6.0f}" for each in figures)
            print(f"{number:9,} {file.stat().st_size >> 10:6,} {told}")
    return 0 if slowest < SECOND else 1


def measured(browser: Browser, file: Path) -> Measured:
    """One round: a new tab each time."""
    with browser.tab(file) as tab:
        seen = tab.seen()
        return Measured(seen.ready, seen.drawn, *tab.read(SLOWEST))


if __name__ == "__main__":
    sys.exit(main())
