"""Our own rules for workflows and actions, which the linters of others lack; a line for each defect."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlsecops.chain import STAGES
from support.workflow_files import Json, Source, expressions, own_path, used

Rule = Callable[[Mapping[str, Source]], Iterator[str]]

_PINNED = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w./-]+)?@[0-9a-f]{40}")
_VERSION = re.compile(r"v\d+\.\d+\.\d+")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OUTPUT = re.compile(r"steps\.([\w-]+)\.outputs\.([\w-]+)")
# What only the stage that starts a service has to do before, and only the one that builds images can be told.
_OWN = {
    "dast": re.compile(r" +- name: Allow network namespaces\n(?: {6,}\S.*\n)+"),
    "container": re.compile(
        r"^( +)image:\n(?:\1 +\S.*\n)+|^ +(?:image|MLSECOPS_IMAGE): \$\{\{ inputs\.image \}\}\n", re.MULTILINE
    ),
}
_STAGE_IN_TEXT = r"(mlsecops |The stage |\$/actions/|MLSECOPS_STAGES: ){}\b"
# Words of a step's name that are written with a capital wherever they stand.
_NAMES = frozenset({"Docker", "Git", "GitHub", "Go", "LFS", "Node", "PyPI", "Python", "SARIF", "SBOM"})
_COMPARED = re.compile(r"inputs\.[\w-]+ *[!=]=|[!=]= *inputs\.[\w-]+|\w+\([^()]*\)")
_STRICT = "set -euo pipefail"


def refs_behind_self(files: Mapping[str, Source]) -> Iterator[str]:
    """`$/` means the running commit: GitHub refuses a ref behind it."""
    for source in files.values():
        for uses in source.uses():
            if uses.startswith("$/") and ("@" in uses or uses == "$/"):
                yield f"{source.name}: {uses} has a ref behind $/ or no path"


def unpinned(files: Mapping[str, Source]) -> Iterator[str]:
    """Every action from outside is pinned to a full commit, its version behind it for people and for bots."""
    for source in files.values():
        code = [line.partition("#")[::2] for line in source.text.splitlines()]
        for uses in source.uses():
            if uses.startswith(("$/", "./")):
                continue
            if not _PINNED.fullmatch(uses):
                yield f"{source.name}: {uses} is not pinned to a full commit"
            for comment in (said for line, said in code if line.rstrip().endswith(f"uses: {uses}")):
                if not _VERSION.fullmatch(comment.strip()):
                    yield f"{source.name}: {uses} does not say its version behind it (# v1.2.3)"


def two_pins(files: Mapping[str, Source]) -> Iterator[str]:
    """One action has one commit, and one version is said of it, throughout the repository."""
    pins: dict[str, set[str]] = defaultdict(set)
    for source in files.values():
        for path, ref in re.findall(r"uses: ([\w.-]+/[\w.-]+)[^\s@]*@(.+)", source.text):
            pins[path].add(ref.strip())
    for path, refs in pins.items():
        if len(refs) > 1:
            yield f"{path} is pinned to {len(refs)} different versions: {', '.join(sorted(refs))}"


def expressions_in_scripts(files: Mapping[str, Source]) -> Iterator[str]:
    """A value reaches a script through `env:` only."""
    for source in files.values():
        for _, step in source.steps():
            if "${{" in step.get("run", ""):
                yield f"{source.name}: an expression inside the script of {_label(step)}"


def forbidden_words(files: Mapping[str, Source]) -> Iterator[str]:
    """Neither the trigger that runs a fork's code with our rights, nor secrets that nobody listed."""
    for source in files.values():
        if "pull_request_target" in source.text:
            yield f"{source.name}: pull_request_target"
        if any(job.get("secrets") == "inherit" for job in source.jobs.values()):
            yield f"{source.name}: secrets: inherit"


def local_uses(files: Mapping[str, Source]) -> Iterator[str]:
    """`./` is the caller's checkout; and the runner misreports `$/` within a composite action."""
    for source in files.values():
        for uses in source.uses():
            if uses.startswith("./"):
                yield f"{source.name}: {uses} is looked up in the caller's checkout"
            if source.kind == "action" and uses.startswith("$/"):
                yield f"{source.name}: {uses} within a composite action"


def step_names(files: Mapping[str, Source]) -> Iterator[str]:
    """Every step has a name in sentence case."""
    for source in files.values():
        for place, step in source.steps():
            name = step.get("name")
            if not isinstance(name, str):
                yield f"{source.name}: a step of {place} has no name"
                continue
            later = [word.strip(",") for word in name.split()[1:]]
            shouts = [word for word in later if word[:1].isupper() and word not in _NAMES]
            if not name[:1].isupper() or name.endswith(".") or shouts:
                yield f"{source.name}: the step name {name!r} is not in sentence case"


def interface_names(files: Mapping[str, Source]) -> Iterator[str]:
    """Inputs and outputs are in kebab case, and each is described in a sentence."""
    for source in files.values():
        for kind in ("inputs", "outputs"):
            for name, about in (source.interface.get(kind) or {}).items():
                if not _KEBAB.fullmatch(name):
                    yield f"{source.name}: {name} is not in kebab case"
                if not str((about or {}).get("description", "")).endswith("."):
                    yield f"{source.name}: {name} has no description that ends with a full stop"


def scripts_are_strict(files: Mapping[str, Source]) -> Iterator[str]:
    """Every script runs under Bash and stops at its first failure."""
    for source in files.values():
        for _, step in source.steps():
            if "run" not in step:
                continue
            if step.get("shell") != "bash":
                yield f"{source.name}: {_label(step)} does not say shell: bash"
            if step["run"].splitlines()[:1] != [_STRICT]:
                yield f"{source.name}: the script of {_label(step)} does not start with {_STRICT}"


def jobs_end(files: Mapping[str, Source]) -> Iterator[str]:
    """Every job that has steps has a time limit."""
    for source in files.values():
        for name, job in source.jobs.items():
            if "steps" in job and "timeout-minutes" not in job:
                yield f"{source.name}: the job {name} has no timeout-minutes"


def truth_of_strings(files: Mapping[str, Source]) -> Iterator[str]:
    """An action's inputs are strings, and the string "false" is true: a condition compares them."""
    for source in (each for each in files.values() if each.kind == "action"):
        for _, step in source.steps():
            if "inputs." in _COMPARED.sub("", str(step.get("if", ""))):
                yield f"{source.name}: the condition of {_label(step)} takes a string for a truth value"


def forgotten_inputs(files: Mapping[str, Source]) -> Iterator[str]:
    """An input that caller and callee both know is passed on, and what is passed on exists in the callee."""
    for source in (each for each in files.values() if "workflow_call" in each.triggers):
        for label, call in _calls(source):
            callee = used(files, call["uses"])
            if callee is None:
                if own_path(call["uses"]):
                    yield f"{source.name}: {call['uses']} is not there"
                continue
            theirs, given = callee.interface.get("inputs") or {}, call.get("with") or {}
            for name in sorted(set(given) - set(theirs)):
                yield f"{source.name}: {label} passes {name}, which {callee.name} does not know"
            for name in sorted(set(source.interface.get("inputs") or {}) & set(theirs) - set(given)):
                yield f"{source.name}: {label} does not pass {name} on to {callee.name}"


def unknown_outputs(files: Mapping[str, Source]) -> Iterator[str]:
    """An output that is read of one of our actions is one that it gives."""
    for source in files.values():
        steps = [step for _, step in source.steps() if "id" in step and "uses" in step]
        callees = {step["id"]: used(files, step["uses"]) for step in steps}
        for expression in expressions(source.document):
            for step, output in _OUTPUT.findall(expression):
                callee = callees.get(step)
                if callee is not None and output not in (callee.interface.get("outputs") or {}):
                    yield f"{source.name}: {callee.name} gives no output {output}"


def stage_shapes(files: Mapping[str, Source]) -> Iterator[str]:
    """All stages have a workflow and an action of one shape: equal but for the stage's name."""
    for pattern in (".github/workflows/{}.yml", "actions/{}/action.yml"):
        shapes: dict[str, str] = {}
        for stage in STAGES:
            source = files.get(pattern.format(stage))
            if source is None:
                yield f"{pattern.format(stage)} is not there"
                continue
            text = re.sub(_STAGE_IN_TEXT.format(re.escape(stage)), r"\1STAGE", source.text)
            text = _OWN[stage].sub("", text) if stage in _OWN else text
            shapes[source.name] = re.sub(r"^description: .*\n", "", text, flags=re.MULTILINE)
        first = next(iter(shapes), "")
        for name in (name for name in shapes if shapes[name] != shapes[first]):
            yield f"{name} has another shape than {first}"


def two_layouts(files: Mapping[str, Source]) -> Iterator[str]:
    """The whole chain takes and gives the same in one job as in several."""
    names = (".github/workflows/secure-ml.yml", ".github/workflows/secure-ml-compact.yml")
    several, one = (files[name].interface if name in files else {} for name in names)
    if several.get("inputs") != one.get("inputs"):
        yield "secure-ml.yml and secure-ml-compact.yml take different inputs"
    if _described(several.get("outputs")) != _described(one.get("outputs")):
        yield "secure-ml.yml and secure-ml-compact.yml give different outputs"


RULES: tuple[Rule, ...] = (
    *(refs_behind_self, unpinned, two_pins, expressions_in_scripts, forbidden_words, local_uses, step_names),
    *(interface_names, scripts_are_strict, jobs_end, truth_of_strings, forgotten_inputs, unknown_outputs),
    *(stage_shapes, two_layouts),
)


def _label(step: Json) -> str:
    return repr(step.get("name", "a step without a name"))


def _calls(source: Source) -> Iterator[tuple[str, Json]]:
    yield from ((f"the job {name}", job) for name, job in source.jobs.items() if "uses" in job)
    yield from ((f"the step {_label(step)}", step) for _, step in source.steps() if "uses" in step)


def _described(outputs: Any) -> dict[str, str]:
    return {name: about["description"] for name, about in (outputs or {}).items()}
