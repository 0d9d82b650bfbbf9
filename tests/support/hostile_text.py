"""Texts that try to be more than text where they land."""

from __future__ import annotations

from hypothesis import strategies as st

# Pieces that mean something to Markdown, GitHub, HTML, a terminal or the runner, put together at random.
PIECES = [
    *"\\`*_[]()<>#|~&$@!:-+=.\"'{}^/ \n\r\t\x00\x1b\x7f\x9b",
    *(
        "```",
        "~~~",
        "<!--",
        "-->",
        "<b>",
        "</td>",
        "<script>",
        "&lt;",
        "&#64;",
        "]]>",
        "<details>",
        "**",
        "__",
        "| - |",
    ),
    *(
        "@octocat",
        "@org/team",
        "a@b.example",
        "#1",
        "GH-7",
        "o/r#12",
        "o/r@0123456",
        "fixes #3",
        ":tada:",
        "$x$",
        "$$",
    ),
    *(
        "http://x.example",
        "https://x.example/a_b(c)",
        "ftp://x",
        "www.x.example",
        "mailto:a@b.example",
        "![i](u)",
    ),
    *(
        "[a](b)",
        "[a]: b",
        "[^1]",
        "- x",
        "1. x",
        "1) x",
        "+ x",
        "> x",
        "# x",
        "    x",
        "---",
        "===",
        "|---|",
        "\n\n",
    ),
    *(
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2060",
        "\ufeff",
        "\u3164",
        "\ufe0f",
        "\u0301" * 9,
        "\udc80",
        "\ud800",
        "\udcff",
    ),
    *(
        "\x1b[31m",
        "\x1b]8;;http://x\x07",
        "::error::x",
        "::set-output name=a::b",
        "##[command]x",
        "%0A",
        "\u2028",
        "\x85",
    ),
    *("[bold]", "[/]", "[link=http://x]", "a", "Z", "9", "é", "雪", "🔥", "x" * 50),
]
#: Any text, and texts made of the pieces above.
hostile: st.SearchStrategy[str] = st.one_of(
    st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
)
