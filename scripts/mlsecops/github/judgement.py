"""A conclusion -> what the runner is told of it: outputs, the job's summary, annotations."""

from __future__ import annotations

from collections.abc import Iterator

from mlsecops.conclude import Conclusion
from mlsecops.findings import Finding
from mlsecops.github.commands import MOST_ANNOTATIONS, Annotation, Runner
from mlsecops.github.step import Step
from mlsecops.report.parts import by_severity, parts

_TITLE = "mlsecops"


def set_outputs(runner: Runner, conclusion: Conclusion) -> None:
    """Set `verdict`, `exit-code` and the counts; `new` and `fixed` stay empty without a baseline."""
    report, verdict = conclusion.report, conclusion.verdict
    found = parts(report)
    runner.output("verdict", verdict.word)
    runner.output("exit-code", str(verdict.exit_code))
    for severity, number in by_severity((*found.new, *found.unchanged)).items():
        runner.output(severity, str(number))
    compared = report.baseline is not None
    runner.output("new", str(len(found.new)) if compared else "")
    runner.output("fixed", str(len(report.fixed)) if compared else "")


def announce(step: Step, conclusion: Conclusion) -> None:
    """Add the summary and say the verdict; what blocks is said at its lines too."""
    step.runner.summary(conclusion.files["summary.md"].read_text(encoding="utf-8"))
    verdict = conclusion.verdict
    name = "" if step.inputs.identifier == "default" else f" ({step.inputs.identifier})"
    sentence = Annotation(message=f"{verdict.word}: {verdict.reason}", title=f"{_TITLE}{name}")
    if verdict.word == "passed":
        step.runner.annotate("notice", [sentence])
        return
    lines = [_at(finding, step.inputs.project) for finding in _blocking(conclusion)]
    step.runner.annotate("error", [sentence, *lines[: MOST_ANNOTATIONS - 1]])


def _blocking(conclusion: Conclusion) -> Iterator[Finding]:
    named = {name for condition in conclusion.verdict.conditions for name in condition.findings}
    return (finding for finding in conclusion.report.findings if finding.id in named)


def _at(finding: Finding, project: str) -> Annotation:
    path = finding.uri if project == "." else f"{project}/{finding.uri}"
    return Annotation(
        message=finding.message, title=f"{_TITLE}: {finding.title}", file=path, line=finding.line
    )
