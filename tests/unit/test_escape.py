from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlsecops.report import escape
from support.hostile_text import hostile
from support.markup import BREAK, Page, render


def shown(text: str) -> str:
    return text.replace(BREAK, "").strip()


class TestVisible:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("src/app.py", "src/app.py"),
            ("häuser/模型.onnx", "häuser/模型.onnx"),
            ("a\nb", "a\\nb"),
            ("a\x1b[31mb", "a\\x1b[31mb"),
            ("evil\u202efdp.exe", "evil\\u202efdp.exe"),
            ("a\u200bb\u2060\ufeff", "a\\u200bb\\u2060\\ufeff"),
            ("caf\udce9.py", "caf\\xe9.py"),
            ("\ud800", "\\ud800"),
            ("a\u3164b\ufe0f", "a\\u3164b\\ufe0f"),
            ("a\xa0b", "a\\xa0b"),
            ("e" + "\u0301" * 30 + "f", "e" + "\u0301" * 3 + "f"),
        ],
    )
    def test_shows_what_cannot_be_seen(self, text: str, expected: str) -> None:
        assert escape.visible(text) == expected

    @given(hostile)
    def test_is_always_one_printable_line_of_utf_8(self, text: str) -> None:
        result = escape.visible(text)
        assert result.isprintable()
        assert result.encode().decode() == result

    def test_plain_makes_white_space_one_space(self) -> None:
        assert escape.plain(" a\r\n\tb \u2003 c\x85") == "a b c"


class TestShorten:
    @given(st.text(), st.integers(1, 40))
    def test_never_exceeds_the_limit(self, text: str, limit: int) -> None:
        assert len(escape.shorten(text, limit)) <= limit

    @given(st.text(), st.integers(8, 40))
    def test_of_a_path_never_exceeds_the_limit_and_keeps_the_end(self, path: str, limit: int) -> None:
        result = escape.shorten_path(path, limit)
        assert len(result) <= limit
        assert result.endswith(path[-3:])

    def test_says_that_something_was_cut(self) -> None:
        assert escape.shorten("abcdef", 4) == "abc…"
        assert escape.shorten("abcd", 4) == "abcd"
        assert escape.shorten_path("src/service/app.py", 11) == "sr…e/app.py"


def assert_inert(markdown: str, text: str) -> None:
    """The Markdown text shows the words of `text` and nothing in it acts."""
    result = render(markdown)
    assert result.links == result.images == result.headings == result.marks == []
    assert result.references == []
    assert set(result.html) <= {"<span>", "</span>"}
    assert result.html.count("<span>") == escape.plain(text).count("$")


# What begins a block at the start of a line, or makes one of the line before it.
BLOCKS = (
    *("-", "- a", "+", "+ a", "*", "* a", "1.", "1. a", "1)", "1) a", "12345. a", "#", "# a", "> a", "| a |"),
    *(
        "=",
        "===",
        "---",
        "***",
        "___",
        "```",
        "~~~",
        "<b>",
        "<!-- a",
        "</details>",
        "[a]: b",
        "- [ ] a",
        ":---",
    ),
)


class TestMarkdown:
    @pytest.mark.parametrize("text", BLOCKS)
    @pytest.mark.parametrize("before", ["", "words\n", "- "])
    def test_begins_no_block(self, text: str, before: str) -> None:
        result = render(before + escape.markdown(text))
        assert [each for each in result.blocks if each != "paragraph_open"] == (
            ["bullet_list_open", "list_item_open"] if before == "- " else []
        )
        assert result.headings == result.html == []
        assert shown(result.text) == f"{before.replace('- ', '')}{text}"

    @pytest.mark.parametrize("mark", "\\`*_[]#|~")
    def test_what_marks_up_is_shown(self, mark: str) -> None:
        assert escape.markdown(f"a{mark}") == f"a\\{mark}"

    def test_what_stands_behind_it_completes_nothing(self) -> None:
        assert render(f"{escape.markdown('see :tada')}: it").references == []

    @given(hostile)
    @example("1. a")
    @example("http://x.example/`x`")
    @example("\\")
    @example("$a$ and $b$")
    def test_in_a_paragraph_shows_the_text_and_nothing_acts(self, text: str) -> None:
        markdown = escape.markdown(text)
        assert_inert(markdown, text)
        result = render(markdown)
        assert set(result.blocks) <= {"paragraph_open"}
        assert shown(result.text) == shown(escape.plain(text))

    @given(hostile, hostile)
    @example("\\", "|")
    @example("a|b", "\\|")
    def test_in_a_table_stays_in_its_cell(self, first: str, second: str) -> None:
        row = f"| {escape.markdown(first)} | {escape.markdown(second)} | end |"
        result = render(f"| a | b | c |\n| --- | --- | --- |\n{row}\n")
        assert [shown(cell) for cell in result.rows[1]] == [
            shown(escape.plain(first)),
            shown(escape.plain(second)),
            "end",
        ]
        assert result.links == result.images == result.references == result.marks == []

    @given(hostile)
    def test_in_a_list_item_starts_no_block(self, text: str) -> None:
        result = render(f"- {escape.markdown(text)}\n")
        assert result.blocks in (
            ["bullet_list_open", "list_item_open", "paragraph_open"],
            ["bullet_list_open", "list_item_open"],
        )

    @pytest.mark.parametrize(
        "text",
        [
            "@octocat",
            "x@y.example",
            "#12",
            "o/r#12",
            "GH-3",
            "gh-3",
            "http://x.example",
            "www.x.example",
            ":tada:",
            "$x$",
        ],
    )
    def test_references_would_be_found_without_it(self, text: str) -> None:
        assert render(text).references
        assert not render(escape.markdown(text)).references

    def test_plain_words_stay_as_they_are(self) -> None:
        text = "Uses yaml.load (unsafe) on user input - see CWE-502, 9.8/10!"
        assert escape.markdown(text) == text


class TestCode:
    @given(hostile.filter(bool))
    def test_shows_the_text_exactly(self, text: str) -> None:
        result = render(f"- {escape.code(text)} end")
        shown_text = escape.visible(text)
        assert result.codes == [shown_text] or (shown_text.strip() == "" and shown_text != "")
        assert result.html == result.links == result.references == []

    @given(hostile.filter(str.strip), hostile.filter(str.strip))
    @example("a|b", "c\\|d")
    @example("\\", "`")
    def test_in_a_table_stays_in_its_cell(self, first: str, second: str) -> None:
        cells = f"| {escape.code(first, cell=True)} | {escape.code(second, cell=True)} | end |"
        result = render(f"| a | b | c |\n| --- | --- | --- |\n{cells}\n")
        assert result.rows[1] == [escape.visible(first), escape.visible(second), "end"]

    @given(hostile.filter(bool))
    def test_as_the_text_of_a_link_leaves_the_link_whole(self, text: str) -> None:
        result = render(f"[{escape.code(text)}](https://host.example/x)")
        assert result.links == ["https://host.example/x"]

    def test_of_nothing_is_a_dash(self) -> None:
        assert escape.code("") == "—"
        assert escape.code("  ") == "`  `"


class TestProse:
    def test_keeps_code_spans_of_a_message(self) -> None:
        result = render(escape.prose("Use `yaml.safe_load` or ``a`b``, not `x|y`."))
        assert result.codes == ["yaml.safe_load", "a`b", "x|y"]
        assert shown(result.text) == "Use yaml.safe_load or a`b, not x|y."

    @pytest.mark.parametrize(
        ("text", "codes"),
        [("``a`", []), ("`a``", []), ("`a``b`", ["a``b"]), ("``a`b``", ["a`b"]), ("`a`b`c`", ["a", "c"])],
    )
    def test_ends_a_code_span_where_github_does(self, text: str, codes: list[str]) -> None:
        assert render(text).codes == codes
        assert render(escape.prose(text)).codes == codes

    @given(hostile)
    @example("`<b>` @octocat")
    @example("` `` `@a`")
    def test_nothing_acts(self, text: str) -> None:
        result = render(escape.prose(text))
        assert result.links == result.images == result.headings == result.marks == result.references == []
        assert set(result.html) <= {"<span>", "</span>"}

    @given(hostile, hostile)
    def test_in_a_table_stays_in_its_cell(self, first: str, second: str) -> None:
        row = f"| {escape.prose(first, cell=True)} | {escape.prose(second, cell=True)} | end |"
        assert len(render(f"| a | b | c |\n| --- | --- | --- |\n{row}\n").rows[1]) == 3
        assert render(f"| a | b | c |\n| --- | --- | --- |\n{row}\n").rows[1][2] == "end"


class TestHtml:
    @given(hostile)
    def test_is_only_text(self, text: str) -> None:
        page = Page(f'<p title="{escape.html(text)}">{escape.html(text)}</p>')
        assert page.elements == [("p", {"title": escape.plain(text)})]
        assert "".join(page.text) == escape.plain(text)
        assert page.comments == []

    @given(hostile)
    def test_of_prose_has_no_element_but_code(self, text: str) -> None:
        page = Page(str(escape.html_prose(text)))
        assert {tag for tag, _ in page.elements} <= {"code"}

    def test_shows_code_spans(self) -> None:
        assert str(escape.html_prose("Use `a<b>`.")) == "Use <code>a&lt;b&gt;</code>."


class TestTerminal:
    @given(hostile)
    @example(":::::")
    @example("###[x]")
    def test_has_no_control_sequence_and_no_command(self, text: str) -> None:
        result = escape.terminal(text)
        assert result.replace(BREAK, "") == escape.plain(text).replace(BREAK, "")
        assert result.replace(BREAK, "").isprintable()
        assert "::" not in result
        assert "##[" not in result


class TestCommands:
    @given(hostile, hostile)
    def test_a_command_stays_one_line_with_its_own_parts(self, message: str, file: str) -> None:
        line = f"::error file={escape.command_property(file)},line=3::{escape.command_message(message)}"
        assert len(line.splitlines()) == 1
        match = re.fullmatch(r"::error file=([^:,]*),line=3::(.*)", line)
        assert match
        assert match[1].replace("%2C", ",").replace("%3A", ":").replace("%25", "%") == escape.visible(file)
        assert match[2].replace("%25", "%") == escape.plain(message)


class TestUrl:
    @pytest.mark.parametrize(
        "address",
        [
            "javascript:alert(1)",
            "http://x.example/",
            "https://x.example/ y",
            "https://user@x.example/",
            'https://x.example/"onclick=',
            "https://x.example/<b>",
            "https://x.example/`",
            "https://x.example/]",
            "https://x.example/\n",
            "https://x.example/|",
            "https://x.example/é",
            "https://x.example.evil\\@y",
            "https://x.example/" + "a" * 3000,
            "",
        ],
    )
    def test_refuses(self, address: str) -> None:
        assert escape.url(address) == ""

    def test_keeps_an_address_and_encodes_what_ends_a_link(self) -> None:
        assert (
            escape.url("https://x.example:8443/a_(b)?q='c'#L3")
            == "https://x.example:8443/a_%28b%29?q=%27c%27#L3"
        )

    @given(hostile)
    def test_of_a_path_is_always_a_whole_link(self, path: str) -> None:
        try:
            path.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return
        address = f"https://host.example/blob/{escape.path_url(path)}"
        assert escape.url(address) == address or len(address) > 2000
        assert render(f"[x]({address})").links == [address]
