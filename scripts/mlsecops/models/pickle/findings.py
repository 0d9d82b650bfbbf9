"""What loading a pickle would do -> facts, as judged; the same event is judged once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol

from mlsecops.models.inspection import Fact, Inspection
from mlsecops.models.pickle.judgement import KEEPS, UNUSUAL
from mlsecops.models.pickle.names import is_standard, looks_like_class
from mlsecops.models.pickle.storages import Storages
from mlsecops.models.pickle.values import (
    Call,
    Constant,
    Cut,
    Event,
    External,
    Global,
    Import,
    Result,
    Sequence,
    Value,
)
from mlsecops.models.rules.pickle_stream import MEMORY, OUTSIDE

RUNS_CODE, UNKNOWN_IMPORT = "model-runs-code", "model-unknown-import"
_REMEMBERED = 20_000  # judgements
_FACTS = 200  # of one part; what else is unknown in it adds nothing
_IMPORTS = 10_000
_SHOWN = 120
_UNKNOWN_SEVERITY, _FILE_SEVERITY = 6.5, 8.1
_LOADERS = frozenset(
    f"{module}.{name}"
    for module in ("pickle", "_pickle", "cPickle", "dill", "dill._dill", "cloudpickle", "pickle5")
    for name in ("loads", "_loads")
)


class Judgement(Protocol):
    """What is to be said of an event."""

    @property
    def kind(self) -> Literal["harmless", "dangerous", "unknown"]:
        """Whether it may happen when a model is loaded."""

    @property
    def subject(self) -> str:
        """What it is about, such as `posix.system`."""

    @property
    def sentence(self) -> str:
        """What loading does."""

    @property
    def severity(self) -> float:
        """How grave that is."""


Judge = Callable[[Import | Call], Judgement]


class Findings:
    """The facts of one part, from the events of its pickles.

    `inner` are pickles that it hands to an unpickler itself, `kept` models that it holds whole, `storages`
    what it refers to of a torch file.
    """

    def __init__(self, found: Inspection, part: str, judge: Judge) -> None:
        self.inner: list[bytes | Cut] = []
        self.kept: list[bytes | Cut] = []
        self.storages = Storages()
        self._found = found
        self._part = part
        self._judge = judge
        self._judged: dict[object, Judgement] = {}
        self._external_said: set[tuple[str, Value]] = set()
        self._facts = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take what loading would do."""
        for event in events:
            if isinstance(event, External):
                if (event.kind, event.value) not in self._external_said:
                    self._external(event)
                continue
            if isinstance(event, Import):
                if len(self._found.imports) < _IMPORTS:
                    self._found.imports.add(event.name)
            elif event.target in _LOADERS:
                self._loads(event, self.inner)
            elif event.target and KEEPS.fullmatch(event.target):
                self._loads(event, self.kept)
            self._say(event, self.judged(event))

    def add_doubtful(self, events: Iterable[Event], where: str) -> bool:
        """Take what may be no pickle: only what is dangerous counts. Return whether there was any.

        A name that is no text but an object of a library ends it: there unpicklers stop. Calls that are
        merely unusual are what numbers look like.
        """
        any_dangerous = False
        for event in events:
            if isinstance(event, External):
                if event.kind == "name" and self._is_object(event.value):
                    break
                continue
            judgement = self.judged(event)
            if judgement.kind == "dangerous" and judgement.severity > UNUSUAL:
                any_dangerous = True
                self._fact(RUNS_CODE, judgement, event.offset, f"{where}: {judgement.sentence}")
        return any_dangerous

    def _is_object(self, names: Value) -> bool:
        items = names.items if isinstance(names, Sequence) else ()
        targets = [item.target for item in items if isinstance(item, Result) and item.target]
        return any(
            looks_like_class(target)
            and not is_standard(target)
            and self.judged(Import(target, 0)).kind == "harmless"
            for target in targets
        )

    def judged(self, event: Import | Call) -> Judgement:
        """What is to be said of an event; remembered, for most come again and again."""
        key: object = event.name if isinstance(event, Import) else _same(event)
        judgement = self._judged.get(key)
        if judgement is None:
            judgement = self._judge(event)
            if len(self._judged) < _REMEMBERED:
                self._judged[key] = judgement
        return judgement

    def _say(self, event: Import | Call, judgement: Judgement) -> None:
        if judgement.kind == "dangerous":
            self._fact(RUNS_CODE, judgement, event.offset, judgement.sentence)
        elif judgement.kind == "unknown" and self._facts < _FACTS:
            self._fact(UNKNOWN_IMPORT, judgement, event.offset, judgement.sentence)

    def _fact(self, rule: str, judgement: Judgement, offset: int, message: str) -> None:
        if self._facts < 2 * _FACTS:
            self._facts += 1
            self._add(rule, judgement.subject, message, offset, judgement.severity)

    def _add(self, rule: str, subject: str, message: str, offset: int, severity: float | None) -> None:
        self._found.add(
            Fact(
                rule=rule,
                subject=subject,
                message=message,
                part=self._part,
                offset=offset,
                severity=severity,
            )
        )

    def _loads(self, call: Call, parts: list[bytes | Cut]) -> None:
        match call.arguments:
            case (Constant(bytes() as data) | Result(held=Constant(bytes() as data)), *_):
                parts.append(data)
            case (Cut(bytes()) as data, *_) | (Result(held=Cut() as data), *_):
                parts.append(data)

    def _external(self, event: External) -> None:
        if len(self._external_said) < _REMEMBERED:
            self._external_said.add((event.kind, event.value))
        shown = _shown(event.value)
        match event.kind:
            case "persistent-id" if self.storages.add(event.value):
                pass
            case "persistent-id":
                message = f"Loading asks the program for the object that it calls {shown}."
                self._add(OUTSIDE.id, "persistent id", message, event.offset, None)
            case "buffer":
                message = "Loading takes data that is handed over beside the file."
                self._add(OUTSIDE.id, "buffer", message, event.offset, None)
            case "file" if not _is_beside(event.value):
                message = f"Loading reads an array from {shown}, outside of the file's folder."
                self._add(OUTSIDE.id, shown, message, event.offset, _FILE_SEVERITY)
            case "file":
                self._found.details["arrays in other files"] = shown
            case "memory":
                message = f"Loading makes room for {shown} objects or bytes before it reads any."
                self._add(MEMORY.id, "memory", message, event.offset, None)
            case "extension":
                message = f"Loading imports whatever the program has registered as extension {shown}."
                self._add(UNKNOWN_IMPORT, f"extension {shown}", message, event.offset, _UNKNOWN_SEVERITY)
            case "name":
                message = f"Loading imports something whose name cannot be known before: {shown}."
                self._add(UNKNOWN_IMPORT, "computed name", message, event.offset, _UNKNOWN_SEVERITY)


def _same(call: Call) -> object:
    return (call.target, call.opcode, call.arguments, call.keywords, call.exact)


def _is_beside(value: Value) -> bool:
    match value:
        case Constant(str() as name):
            return not any(sign in name for sign in "/\\:") and name not in ("", ".", "..")
    return False


def _shown(value: Value) -> str:
    match value:
        case Constant(plain):
            text = str(plain)
        case Cut(head):
            text = str(head)
        case Global(name):
            text = name
        case Sequence(items=items):
            text = ", ".join(_shown(item) for item in items[:4])
        case _:
            text = "something that cannot be known"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
