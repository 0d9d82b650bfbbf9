"""Requirements files as pip reads them: every line becomes a package, a reference, a finding or a problem."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.dependencies import Listing, Reference, read_manifest
from mlsecops.dependencies.model import OTHER_INDEX

HASH = "--hash=sha256:" + "0" * 64


def read(text: str) -> Listing:
    """The listing of a requirements file."""
    return read_manifest("requirements", text)


def pins(listing: Listing) -> list[tuple[str, str | None, int]]:
    """Name, version and line of each dependency."""
    return [(each.name, each.version, each.line) for each in listing.dependencies]


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("flask==2.0.1", "flask", "2.0.1"),
        ("Flask == 2.0.1", "flask", "2.0.1"),
        ("flask===2.0.1", "flask", "2.0.1"),
        ("scikit_learn==1.0", "scikit-learn", "1.0"),
        ("flask==2.0.1  # pinned for now", "flask", "2.0.1"),
        ("flask==2.0.1 ; python_version < '3.8'", "flask", "2.0.1"),
        ("uvicorn[standard]==0.30.1", "uvicorn", "0.30.1"),
        ("torch==2.0.1+cu118", "torch", "2.0.1+cu118"),
        ("flask==2.0.1 --config-settings key=value", "flask", "2.0.1"),
        ("flask==2.0.1 --global-option=--no-user-cfg", "flask", "2.0.1"),
        ("flask~=2.0", "flask", None),
        ("flask==2.*", "flask", None),
        ("flask==2.0.1,!=2.0.2", "flask", None),
        ("flask>=1", "flask", None),
        ("flask", "flask", None),
        ("flask===not-a-version", "flask", None),
    ],
)
def test_a_requirement_is_a_dependency(line: str, name: str, version: str | None) -> None:
    listing = read(f"# first\n{line}\n")
    assert pins(listing) == [(name, version, 2)]
    assert not any((listing.problems, listing.unaudited, listing.references, listing.complete))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("foo @ file:///opt/conda/work/foo", "foo"),
        ("foo @ git+https://example.org/foo@main", "foo"),
        ("foo@https://example.org/foo-1.0-py3-none-any.whl", "foo"),
        ("-e git+https://example.org/foo.git@main#egg=foo", "foo"),
        ("--editable=git+ssh://git@example.org/foo#egg=foo", "foo"),
        ("git+https://example.org/foo", "git+https://example.org/foo"),
        ("https://name:word@example.org/foo.zip", "https://example.org/foo.zip"),
        ("wheels/foo-1.0-py3-none-any.whl", "wheels/foo-1.0-py3-none-any.whl"),
        ("foo-1.0-py3-none-any.whl", "foo-1.0-py3-none-any.whl"),
        ("./foo-1.0.tar.gz", "./foo-1.0.tar.gz"),
    ],
)
def test_what_comes_from_no_index_is_named_and_not_lost(line: str, what: str) -> None:
    listing = read(f"\n{line}\n")
    assert [(each.what, each.line) for each in listing.unaudited] == [(what, 2)]
    assert not any((listing.dependencies, listing.problems, listing.references))


@pytest.mark.parametrize(
    ("line", "reference"),
    [
        ("-r other.txt", Reference("manifest", ("other.txt",), 1)),
        ("-rother.txt", Reference("manifest", ("other.txt",), 1)),
        ("--requirement=other.txt", Reference("manifest", ("other.txt",), 1)),
        ("--requirement 'my other.txt'", Reference("manifest", ("my other.txt",), 1)),
        ("-c limits.txt", Reference("constraints", ("limits.txt",), 1)),
        ("-e .", Reference("code", (".",), 1)),
        ("-e .[dev]", Reference("code", (".",), 1)),
        ("./libs/own", Reference("code", ("./libs/own",), 1)),
        ("-e ../beside", Reference("code", ("../beside",), 1)),
        ("libs/own ; python_version > '3'", Reference("code", ("libs/own",), 1)),
    ],
)
def test_other_files_are_referred_to(line: str, reference: Reference) -> None:
    listing = read(line)
    assert listing.references == (reference,)
    assert not any((listing.dependencies, listing.problems, listing.unaudited))


@pytest.mark.parametrize(
    "line", ["flask=2.0", "flask 2.0", "${NAME}==1.0", "-e", "<<<<<<< HEAD", "--unheard-of x"]
)
def test_what_cannot_be_read_is_a_problem_with_its_line(line: str) -> None:
    listing = read(f"six==1.16.0\n{line}\n")
    assert [line for line, _ in listing.problems] == [2]
    assert pins(listing) == [("six", "1.16.0", 1)]


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "-i https://example.org", "--pre", "--no-binary=:all:"]
)
def test_options_about_the_index_are_no_problem(line: str) -> None:
    assert read(line) == Listing()


def test_hashes_on_continued_lines_make_a_complete_list() -> None:
    text = f"six==1.16.0 \\\n    {HASH} \\\n    {HASH}\n    # via flask\nflask==2.0.1 {HASH}\n"
    listing = read(text)
    assert pins(listing) == [("six", "1.16.0", 1), ("flask", "2.0.1", 5)]
    assert listing.complete


def test_one_line_without_a_hash_makes_it_incomplete() -> None:
    assert not read(f"six==1.16.0 {HASH}\nflask==2.0.1\n").complete


@pytest.mark.parametrize(
    "header",
    [
        "# This file is autogenerated by pip-compile with Python 3.11",
        "# This file was autogenerated by uv via the following command:",
        "# This file is @generated by PDM.",
    ],
)
def test_a_list_that_a_resolver_wrote_is_complete(header: str) -> None:
    assert read(f"{header}\nsix==1.16.0\n").complete
    assert not read(f"{header}\n").complete


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(end: str) -> None:
    assert pins(read(end.join(["# one", "", "six==1.16.0", "# \x0cflask==0.1"]))) == [
        ("six", "1.16.0", 3),
        ("flask", "0.1", 4),  # pip, too, begins a line after a form feed
    ]


def test_a_trailing_backslash_loses_nothing() -> None:
    assert pins(read("six==1.16.0 \\")) == [("six", "1.16.0", 1)]


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}([-_.][a-z0-9]{1,5})?", fullmatch=True)
VERSIONS = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
NOISE = st.sampled_from(["", "# a comment", "   ", "\t", "--pre", "# -r gone.txt"])


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(NOISE, NAMES, VERSIONS, st.sampled_from(["==", " == ", "== "])), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_pin_is_found_on_its_line(rows: list[tuple[str, str, str, str]], end: str) -> None:
    lines = [
        line for noise, name, version, operator in rows for line in (noise, f"{name}{operator}{version}")
    ]
    found = pins(read(end.join(lines)))
    assert [line for _, _, line in found] == [2 * (number + 1) for number in range(len(rows))]
    assert [version for _, version, _ in found] == [version for _, _, version, _ in rows]


@settings(deadline=None)
@given(line=st.text(alphabet=st.characters(exclude_characters="\r\n\\", codec="utf-8"), min_size=1))
def test_no_line_is_passed_over_in_silence(line: str) -> None:
    stripped = line.strip()
    listing = read(line)
    said = (*listing.dependencies, *listing.unaudited, *listing.references, *listing.problems)
    if stripped and not stripped.startswith(("#", "-")) and len(line.splitlines()) == 1:
        assert said


@pytest.mark.parametrize(
    "option",
    [
        "--index-url https://me:secret@index.example/simple",
        "-i https://index.example/simple",
        "--extra-index-url=https://index.example/simple",
        "-f https://index.example/simple",
        "--find-links https://index.example/simple",
    ],
)
def test_an_index_of_its_own_matters_as_long_as_a_package_has_no_hash(option: str) -> None:
    (named,) = read(f"{option}\nsix==1.16.0\n").unaudited
    assert (named.what, named.line, named.reason) == ("https://index.example/simple", 1, OTHER_INDEX)
    assert read(f"{option}\nsix==1.16.0 --hash=sha256:{'a' * 64}\n").unaudited == ()
    assert read("--index-url\nsix\n").unaudited == ()
