"""What changes in model files between two logs, and how the comment says it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from mlsecops.findings import ModelChange, Report
from mlsecops.findings.model_changes import model_changes
from mlsecops.models.inspection import Inspection
from mlsecops.models.outcome import Inspected
from mlsecops.models.traits import traits
from mlsecops.report.comment import MOST_CHARACTERS, comment
from mlsecops.report.models import models_block, size
from mlsecops.report.parts import Links
from mlsecops.report.summary import summary
from mlsecops.sarif.build import Json
from support.hostile_text import hostile
from support.markup import render
from support.reports import finding, passed, report
from support.sarif_logs import log, run


def seen(text: str = "a", **changes: Any) -> Inspected:
    usual: dict[str, Any] = {"formats": ["pickle"], "imports": {"sklearn.svm.SVC"}, "producer": "sklearn"}
    return Inspected(found=Inspection(**{**usual, **changes}), size=2_000 + len(text), sha256=text * 64)


def logged(models: Mapping[str, Inspected] = MappingProxyType({}), status: str = "passed") -> Json:
    rows = traits({f"{name}.pkl": each for name, each in models.items()})
    return log(run("model", "mlsecops-models", files={"a.pkl": ""}, status=status, models=rows))


def with_changes(*changes: ModelChange) -> Report:
    return report([], model_changes=changes)


class TestChanges:
    def test_new_changed_renamed_and_removed(self) -> None:
        before = logged({"same": seen("1"), "edited": seen("2"), "old": seen("3"), "gone": seen("4")})
        after = logged({"same": seen("1"), "edited": seen("5"), "renamed": seen("3"), "new": seen("6")})
        assert [(each.kind, each.uri) for each in model_changes(after, before)] == [
            ("changed", "edited.pkl"),
            ("new", "new.pkl"),
            ("renamed", "renamed.pkl"),
            ("removed", "gone.pkl"),
        ]

    def test_names_that_come_and_go(self) -> None:
        worse = seen("2", imports={"posix.system"}, operators={"ReadFile", "Add"})
        (change,) = model_changes(logged({"a": worse}), logged({"a": seen("1", operators={"Add"})}))
        assert (change.added("imports"), change.gone("imports")) == (("posix.system",), ("sklearn.svm.SVC",))
        assert (change.added("operators"), change.gone("operators")) == (("ReadFile",), ())
        (new,) = model_changes(logged({"a": worse}), logged())
        assert (new.added("imports"), new.gone("imports")) == (("posix.system",), ())
        (removed,) = model_changes(logged(), logged({"a": worse}))
        assert (removed.added("imports"), removed.gone("imports")) == ((), ())

    def test_nothing_is_removed_that_may_only_not_have_been_read(self) -> None:
        assert model_changes(logged(status="incomplete"), logged({"a": seen()})) == ()

    def test_a_log_that_describes_no_models_says_nothing_about_them(self) -> None:
        assert model_changes(logged({"a": seen()}), log(run("sast", "bandit"))) == ()
        assert model_changes(log(run("sast", "bandit")), logged({"a": seen()})) == ()

    def test_what_a_stranger_wrote_into_a_baseline_is_taken_for_what_it_is(self) -> None:
        odd = log(
            run("model", "x", models=[7, {"uri": 5}, {"uri": "a.pkl", "size": -1, "imports": [1, "b"]}])
        )
        (change,) = model_changes(logged({"a": seen()}), odd)
        assert change.before is not None
        assert (change.before.size, change.before.imports) == (0, frozenset("b"))


class TestTraits:
    def test_a_file_without_a_known_format_is_none(self) -> None:
        assert traits({"a": seen(formats=[])}) == []

    def test_the_formats_from_the_inside(self) -> None:
        (row,) = traits({"a": seen(formats=["gzip", "tar", "pickle", "pickle"])})
        assert row["format"] == "pickle in tar in gzip"

    def test_too_many_names_are_cut_and_that_is_said(self) -> None:
        many = {f"{'x' * 300}{number:05}" for number in range(1_200)}
        (row,) = traits({"a": seen(imports=many)})
        assert (len(row["imports"]), len(row["imports"][0]), row["whole"]) == (1_000, 200, False)
        rows = traits({name: seen(imports=many) for name in "abc"})
        assert [len(each["imports"]) for each in rows] == [1_000, 1_000, 0]
        assert not any(each["whole"] for each in rows)


class TestBlock:
    def test_a_reviewer_sees_what_the_file_would_call(self) -> None:
        before = logged({"m": seen("1"), "n": seen("3")})
        worse = seen("2222222", imports={"posix.system"}, producer="", formats=["zip"], operators={"If"})
        shown = models_block(with_changes(*model_changes(logged({"m": worse, "o": seen("3")}), before)))
        hashes = "SHA-256 `111111111111` → `222222222222`"
        assert shown.split("\n") == [
            "#### Models that change (2)",
            "",
            f"- `m.pkl` **changed**: pickle → zip, 2.0 kB, made by sklearn, {hashes}",
            "  - imports: `+ posix.system` `− sklearn.svm.SVC`",
            "  - operators and layers: `+ If`",
            "- `o.pkl` **renamed** (was `n.pkl`): pickle, 2.0 kB, made by sklearn, SHA-256 `333333333333`",
        ]

    def test_what_was_not_read_to_its_end_is_said(self) -> None:
        broken = seen("2")
        broken.found.not_read("", "it is cut off")
        assert "may be more" in models_block(
            with_changes(*model_changes(logged({"a": broken}), logged({"a": seen()})))
        )

    def test_nothing_changes(self) -> None:
        assert models_block(with_changes()) == ""

    def test_many_models_and_names_are_counted(self) -> None:
        names = {f"pkg.name{number}" for number in range(30)}
        after = logged({f"m{number}": seen(str(number), imports=names) for number in range(9)})
        text = models_block(with_changes(*model_changes(after, logged())))
        assert "and 20 more" in text
        assert "and 3 more models" in text

    def test_a_quiet_comment_and_the_summary_have_it_too(self) -> None:
        quiet = report([], model_changes=model_changes(logged({"a": seen("2")}), logged({"a": seen("1")})))
        assert "Models that change (1)" in comment(quiet, passed(), Links())
        assert "Models that change (1)" in summary(quiet, passed(), Links())

    @settings(max_examples=50)
    @given(hostile)
    def test_any_name_is_inert(self, text: str) -> None:
        evil = seen("2", imports={text}, operators={text}, producer=text, formats=[text or "x"])
        changes = model_changes(logged({"a": evil, text: evil}), logged({"a": seen("1")}))
        shown = comment(report([finding()], model_changes=changes), passed(), Links())
        page = render(shown)
        assert not page.links
        assert not page.images
        assert len(shown) < MOST_CHARACTERS


def test_sizes() -> None:
    assert [size(each) for each in (0, 999, 1_000, 12_345_678, 10**18)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 MB",
        "1000000.0 TB",
    ]
