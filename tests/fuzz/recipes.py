"""How each mutated file is made again: a corpus, a file of it, and the numbers of the mutations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from corpus.chance import Chance

from fuzz.change import Change
from fuzz.containers import in_compressed, in_tar, in_zip
from fuzz.starts import starts
from fuzz.streams import in_counted, in_json, in_pickle, in_protobuf

STRUCTURES = (in_zip, in_tar, in_compressed, in_pickle, in_protobuf, in_json, in_counted)


@dataclass(frozen=True, slots=True)
class Recipe:
    """`corpus` is its seed, or `starts.REAL`; `sample` a name in it; `mutations` follow one another."""

    corpus: str
    sample: str
    mutations: tuple[int, ...] = ()

    def data(self) -> bytes:
        """The file. Raises KeyError where the corpus has no such sample any more."""
        files = starts(self.corpus)
        data = files[self.sample]
        for number in self.mutations:
            chance = Chance(f"mutation {number}")
            data = several(data, files[chance.choice(list(files))], chance)
        return data

    def line(self) -> str:
        """As JSON, on one line."""
        return json.dumps(asdict(self))


def several(data: bytes, other: bytes, chance: Chance) -> bytes:
    """The data with one to four changes, each of which may take bytes of the other."""
    change = Change(chance, other, STRUCTURES)
    for _ in range(1 + chance.below(4)):
        data = change.of(data)
    return data


def chosen(
    seed: int, number: int, samples: Mapping[str, Sequence[str]], telling: Sequence[Recipe] = ()
) -> Recipe:
    """The recipe of a number in the run of a seed: of a sample of a corpus, or of one that was telling."""
    chance = Chance(f"{seed}:{number}")
    mutation = chance.below(1 << 40)
    if telling and chance.below(2):
        before = chance.choice(telling)
        return replace(before, mutations=(*before.mutations, mutation))
    corpus = chance.choice(list(samples))
    return Recipe(corpus, chance.choice(samples[corpus]), (mutation,))


def kept(path: Path) -> list[Recipe]:
    """The recipes in a file."""
    return [recipe_of(each) for each in json.loads(path.read_text(encoding="utf-8"))]


def recipe_of(fields: Mapping[str, Any]) -> Recipe:
    """The reverse of `Recipe.line`."""
    return Recipe(fields["corpus"], fields["sample"], tuple(fields["mutations"]))
