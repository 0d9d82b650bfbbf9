"""Nothing that axe knows keeps people from reading and using the page: light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import Browser

# What has to have been judged for the verdict to mean anything.
JUDGED = {"color-contrast", "label", "button-name", "html-has-lang", "link-name", "td-headers-attr"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["none", "one", "fifty", "most", "rich"])
def test_every_page_is_accessible(name: str, scheme: str, browser: Browser, pages: dict[str, Path]) -> None:
    with browser.tab(pages[name], scheme=scheme) as tab:
        judged = tab.axe()
    assert judged.violations == []
    assert {*judged.passes} >= (JUDGED if name != "none" else JUDGED - {"label", "button-name"})


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_it_stays_so_with_everything_open(
    scheme: str, width: int, browser: Browser, pages: dict[str, Path]
) -> None:
    with browser.tab(pages["rich"], scheme=scheme, width=width) as tab:
        tab.read(
            """(() => {
              const choose = (id, value) => {
                const list = document.getElementById(id);
                list.value = value;
                list.dispatchEvent(new Event("change"));
              };
              choose("state", "all");
              choose("group", "file");
              document.querySelectorAll("details").forEach((each) => { each.open = true; });
              const closed = () => document.querySelector(".open-row[aria-expanded=false]");
              while (closed()) closed().click();
            })()"""
        )
        assert tab.read("document.querySelectorAll('.detail').length") > 20
        assert tab.axe().violations == []


def test_what_is_wrong_is_found(browser: Browser, pages: dict[str, Path]) -> None:
    with browser.tab(pages["one"]) as tab:
        tab.read(
            """(() => {
              const style = new CSSStyleSheet();
              style.replaceSync(".why { color: #ddd; }");
              document.adoptedStyleSheets = [style];
              document.querySelector("#state").parentNode.replaceWith(document.querySelector("#state"));
            })()"""
        )
        rules = {each.split(":")[0] for each in tab.axe().violations}
    assert {"color-contrast", "select-name"} <= rules
