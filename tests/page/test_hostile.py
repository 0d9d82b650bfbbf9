"""Whatever a repository says stays text in a browser: nothing runs, nothing loads, nothing leads away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from mlsecops.report.escape import plain
from support.browser import Browser, Tab
from support.hostile_reports import joined, of_texts, random_texts
from support.reports import finding, passed, report

from .conftest import Written

# Each tries to run a script, to load something, or to be an element, a link or an attribute.
ATTACKS = (
    "<script>window.attacked = 1</script>",
    "</script><script>window.attacked = 1</script>",
    "<!--<script>",
    "--><script>window.attacked = 1</script>",
    "</title></style></textarea></svg><img src=x onerror=window.attacked=1>",
    "<svg><script>window.attacked=1</script></svg><svg/onload=window.attacked=1>",
    "\"><a href='javascript:window.attacked=1' autofocus onfocus=window.attacked=1>",
    "' onmouseover='window.attacked=1' x='",
    "javascript:window.attacked=1",
    "data:text/html,<script>window.attacked=1</script>",
    'https://evil.example/"onmouseover="window.attacked=1',
    "//evil.example/x",
    "`<img src=//evil.example/x>`",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content=0;url=//evil.example/>",
    "<iframe src=//evil.example></iframe><object data=//evil.example></object>",
    "<form action=//evil.example id=data><input name=attributes id=findings></form>",
    "</style><style>@import url(//evil.example/x.css); * { display: none }</style>",
    "{{ 7 * 7 }}{% raw %}${window.attacked=1}",
    "&lt;script&gt;window.attacked=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.attacked=1&#62;",
    "\\u003cimg src=x onerror=window.attacked=1\\u003e",
    "__proto__",
    "constructor",
    "\u2028window.attacked=1\u2029",
)
EVERYTHING = """(() => {
  const choose = (id, value) => {
    document.getElementById(id).value = value;
    document.getElementById(id).dispatchEvent(new Event("change"));
  };
  const found = { shapes: new Set(), links: new Set(), texts: new Set(), rows: 0 };
  const look = () => {
    for (const each of document.querySelectorAll("*")) {
      for (const name of ["", ...each.getAttributeNames()]) found.shapes.add(`${each.tagName} ${name}`);
      if (each.hasAttribute("href")) found.links.add(each.getAttribute("href"));
    }
    for (const each of document.querySelectorAll("dd, .open-row")) found.texts.add(each.textContent);
  };
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  choose("state", "all");
  for (;;) {
    let closed;
    while ((closed = document.querySelector(".open-row[aria-expanded=false]"))) closed.click();
    found.rows += document.querySelectorAll(".detail").length;
    look();
    if (document.getElementById("next").disabled) break;
    document.getElementById("next").click();
  }
  for (const { value } of document.getElementById("group").options) {
    choose("group", value);
    look();
  }
  return { rows: found.rows, shapes: [...found.shapes], links: [...found.links], texts: [...found.texts] };
})()"""


def everything(tab: Tab) -> dict[str, Any]:
    """What there is in the page when every finding has been opened and every grouping tried."""
    found: dict[str, Any] = tab.read(EVERYTHING)
    return found


def usual_shapes(browser: Browser, pages: dict[str, Path]) -> set[str]:
    """The elements and attributes of a page without anything hostile."""
    with browser.tab(pages["rich"]) as tab:
        return {*everything(tab)["shapes"]}


def held_to(usual: set[str], tab: Tab, file: Path, rows: int) -> dict[str, Any]:
    """Everything in a hostile page, after what must not be in it was looked for."""
    found = everything(tab)
    seen = tab.seen()
    assert found["rows"] == rows
    assert {*found["shapes"]} - usual == set()
    ours = ("#", "data:,", "https://host.example/", "https://x.example", "https://evil.example/%")
    assert [each for each in found["links"] if not each.startswith(ours)] == []
    assert tab.read("window.attacked") is None
    assert (seen.requests, seen.dialogs, seen.errors, seen.refused, seen.pages) == (
        [file.as_uri()],
        [],
        [],
        [],
        1,
    )
    return found


def test_known_attacks_in_every_field_are_shown_as_what_they_are(
    browser: Browser, pages: dict[str, Path], written: Written
) -> None:
    made = [of_texts(repeat(attack).__next__) for attack in ATTACKS]
    whole = joined([each for each, _ in made])
    file = written(whole, made[1][1])
    usual = usual_shapes(browser, pages)
    with browser.tab(file) as tab:
        found = held_to(usual, tab, file, len(whole.findings) + len(whole.fixed))
    for attack in ATTACKS:
        assert plain(attack).replace("`", "") in found["texts"], attack


def test_texts_of_pieces_that_mean_something_stay_text(
    browser: Browser, pages: dict[str, Path], written: Written
) -> None:
    texts = random_texts(6)
    made = [of_texts(texts) for _ in range(4)]
    whole = joined([each for each, _ in made])
    file = written(whole, made[0][1])
    usual = usual_shapes(browser, pages)
    with browser.tab(file) as tab:
        held_to(usual, tab, file, len(whole.findings) + len(whole.fixed))


def test_the_pages_policy_stops_what_would_get_past_all_that(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    evil = (
        "<script>window.attacked = 1</script><img src=x onerror=window.attacked=1><p style='color:red'>"
        "<link rel=stylesheet href=http://127.0.0.1:9/x.css><iframe src=http://127.0.0.1:9></iframe>"
    )
    file = tmp_path / "index.html"
    file.write_text(pages["one"].read_text("utf-8").replace("<main>", f"<main>{evil}"), "utf-8")
    with browser.tab(file) as tab:
        for attempt in (
            "document.body.innerHTML = '<b>x</b>'",
            "fetch('http://127.0.0.1:9/')",
        ):
            tab.read(f"(async () => {{ try {{ await ({attempt}); }} catch {{ return; }} }})()")
        seen = tab.seen()
        assert tab.read("window.attacked") is None
        assert tab.read("document.querySelector('h1') !== null")
    refused = {each.split()[0] for each in seen.refused}
    assert refused >= {
        "script-src-elem",
        "script-src-attr",
        "style-src-attr",
        "style-src-elem",
        "img-src",
        "frame-src",
        "connect-src",
        "require-trusted-types-for",
    }


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder on a loopback address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", size: object = "-") -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.usefixtures("needed")
def test_no_name_is_looked_up_until_a_link_is_followed(tmp_path: Path, written: Written) -> None:
    written(report([finding(each, help_uri=f"https://host{each}.example/") for each in range(9)]), passed())
    net_log = tmp_path / "net.json"
    with (
        served(tmp_path) as (address, asked),
        Browser(f"--log-net-log={net_log}") as browser,
        browser.tab(f"{address}/index.html") as tab,
    ):
        tab.read("document.querySelectorAll('.open-row').forEach((each) => each.click())")
        for selector in (".detail a", ".where a", ".facts a"):
            tab.hover(selector)
        tab.click(".detail a")
    assert asked == ["/index.html"]
    events = json.loads(net_log.read_text(encoding="utf-8"))["events"]
    assert set(re.findall(r"host\d?\.example", json.dumps(events))) == {"host0.example"}
