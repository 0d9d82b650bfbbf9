"""Callables that do something for whoever calls them, as tables of `module:name`, arguments and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from corpus.assembler import Call, Global
from corpus.sample import Sample, Variation


class Argument(Enum):
    """What a seed fills in."""

    COMMAND = "a shell command"
    SHELL = "a command line as a list"
    CODE = "Python statements"
    EXPRESSION = "a Python expression"
    PATH = "a file"
    URL = "an address"
    STREAM = "a pickle within the pickle"
    MODULE = "the name of a module"
    HOST = "a name of a machine"


@dataclass(frozen=True, slots=True)
class Gadget:
    """A callable and what it is called with."""

    target: str
    arguments: tuple[object, ...]
    source: str

    def call(self, vary: Variation) -> Call:
        """The call as this seed makes it."""
        module, _, name = self.target.partition(":")
        return Call(Global(module, name), tuple(filled(each, vary) for each in self.arguments))


def filled(argument: object, vary: Variation) -> object:
    """An argument with its placeholders filled in."""
    match argument:
        case Argument():
            return _placeholder(argument, vary)
        case tuple() | list():
            return type(argument)(filled(each, vary) for each in argument)
        case dict():
            return {key: filled(each, vary) for key, each in argument.items()}
        case _:
            return argument


def _placeholder(argument: Argument, vary: Variation) -> object:
    makers: dict[Argument, Callable[[], object]] = {
        Argument.COMMAND: vary.command,
        Argument.SHELL: lambda: ["sh", "-c", vary.command()],
        Argument.CODE: vary.code,
        Argument.EXPRESSION: vary.expression,
        Argument.PATH: lambda: f"/tmp/{vary.word()}.py",
        Argument.URL: lambda: f"http://{vary.word()}.invalid/{vary.word()}",
        Argument.STREAM: lambda: vary.payload(3),
        Argument.MODULE: lambda: vary.pick(("os", "subprocess", "posix")),
        Argument.HOST: lambda: f"{vary.word()}.invalid",
    }
    return makers[argument]()


def table(rows: Iterable[tuple[str, tuple[object, ...]]], source: str) -> tuple[Gadget, ...]:
    """Gadgets of one source."""
    return tuple(Gadget(target, arguments, source) for target, arguments in rows)


def as_samples(gadgets: Iterable[Gadget], family: str, vary: Variation) -> Iterator[Sample]:
    """Each gadget as a pickle of its own."""
    for gadget in gadgets:
        yield Sample(
            name=f"model.{vary.pick(('pkl', 'pickle', 'joblib', 'bin'))}",
            data=vary.pickled(gadget.call(vary)),
            family=family,
            technique=f"calls {gadget.target.replace(':', '.')}",
            source=gadget.source,
        )
