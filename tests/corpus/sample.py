"""One file of the corpus, what is known of it, and how a seed varies it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from corpus.assembler import Call, Global, Style, pickled
from corpus.chance import Chance

T = TypeVar("T")
Expected = Literal["dangerous", "harmless", "unknown", "not scanned", "not harmless"]

# `unknown` is code by a name that no library has, `not scanned` what nobody can judge, `not harmless`
# where more than one of the other words is right.
ANY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file to be inspected, with the files that lie `beside` it.

    `source` is an advisory, a paper or a write-up, or the format's description where a technique follows from
    it. `reason` is what a reader must say of one that is `not scanned`: one of these words.
    """

    name: str
    data: bytes
    family: str
    technique: str
    source: str
    expected: Expected = "dangerous"
    reason: tuple[str, ...] = ()
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Put the file and its company into a folder of its own; return the file."""
        for name, data in {**self.beside, self.name: self.data}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.name


Family = Callable[["Variation"], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class Variation:
    """The choices of one seed. Seed 0 takes the plainest everywhere, so that a failure is easy to read."""

    chance: Chance
    plain: bool

    @classmethod
    def of(cls, seed: int, topic: str) -> Variation:
        """The choices for one family, which another family's do not change."""
        return cls(Chance(f"{seed}:{topic}"), plain=seed == 0)

    def pick(self, choices: Sequence[T]) -> T:
        """One of several that are as good."""
        return choices[0] if self.plain else self.chance.choice(choices)

    def some(self, choices: Sequence[T], count: int) -> Sequence[T]:
        """So many of them, in their order with seed 0, else in any."""
        return choices[:count] if self.plain else self.chance.some(choices, count)

    def key(self, number: int) -> int:
        """The memo entry for a value that is read again, which no other entry of the stream has."""
        return number if self.plain else 1000 + 17 * self.chance.below(50) + number

    def word(self, length: int = 8) -> str:
        """A name that means nothing."""
        return self.chance.word(length)

    def command(self) -> str:
        """A shell command that does no harm."""
        return f"echo {self.word()}"

    def code(self) -> str:
        """Python source that does no harm."""
        forms = ("__import__('os').system('{}')", "print('{}')", "import os; os.system('{}')", "x = '{}'")
        return self.pick(forms).format(self.command())

    def expression(self) -> str:
        """A Python expression that does no harm."""
        return self.pick(("__import__('os').system('{}')", "print('{}')")).format(self.command())

    def style(self, protocol: int = ANY) -> Style:
        """How this seed writes a pickle, with this protocol or any."""
        if protocol == ANY:
            protocol = 4 if self.plain else self.chance.choice((0, 1, 2, 3, 4, 4, 5))
        if self.plain:
            return Style(protocol)
        chance = self.chance
        memo, junk = chance.choice((0.0, 0.3, 0.8)), chance.choice((0.0, 0.0, 0.15))
        return Style(protocol, chance, memo, junk, chance.choice((0, 1, 1, 3)))

    def pickled(self, value: object, protocol: int = ANY) -> bytes:
        """A stream of a value in this seed's style."""
        return pickled(value, self.style(protocol))

    def shell(self) -> Call:
        """A call that hands a command to a shell: one of the shortest ways."""
        system = self.pick((("posix", "system"), ("os", "system"), ("nt", "system"), ("os", "popen")))
        return Call(Global(*system), (self.command(),))

    def evaluation(self) -> Call:
        """A call that runs source text, or one that hands a command to a shell."""
        name = self.pick(("exec", "eval"))
        run = Call(Global("builtins", name), (self.expression(),))
        return self.pick((self.shell(), run))

    def payload(self, protocol: int = ANY) -> bytes:
        """A whole stream with such a call: what other techniques hide."""
        return self.pickled(self.evaluation(), protocol)
