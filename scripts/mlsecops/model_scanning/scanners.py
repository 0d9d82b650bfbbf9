"""Other scanners as libraries: a program of ours in their environment asks them about each file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from mlsecops.job import Job, Parsed, Problem, printable
from mlsecops.model_scanning.files import called_dangerous, few, opaque, unsafe
from mlsecops.model_scanning.processes import Crew
from mlsecops.model_scanning.readings import CANARY
from mlsecops.models.rules.opinions import CALLED_DANGEROUS
from mlsecops.models.rules.pickle import UNKNOWN_IMPORT, UNSAFE
from mlsecops.sarif.build import Json
from mlsecops.toolbox import usable_cores

_SYSTEM = frozenset({"posix.system", "os.system"})
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a scanner says of a file.

    `imports` are names that it calls dangerous, `extensions` codes of a registry that only the program has
    that loads the file, `others` what has no name, in a few words and in a sentence. `trouble` is why the
    file does not count as read; `unlisted` says that there are imports of which it knows nothing.
    """

    imports: tuple[str, ...]
    extensions: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    trouble: str
    unlisted: bool

    @classmethod
    def from_json(cls, line: Json) -> Opinion:
        """A line of `mlsecops.programs`. Raises LookupError, TypeError or ValueError for anything else."""
        return cls(
            imports=tuple(map(str, line["imports"])),
            extensions=tuple(map(str, line["extensions"])),
            others=tuple({str(what): str(text) for what, text in line["others"]}.items()),
            trouble=str(line["trouble"]),
            unlisted=line["unlisted"] is True,
        )


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """A program below `mlsecops.programs`, and what it may use for each file.

    `rate` is bytes that take a second more; `small` how many files it reads while another one starts.
    """

    program: str
    seconds: float = 60.0
    rate: float = 1 << 20
    memory: int = 4 << 30
    small: int
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def ask(job: Job, scanner: Scanner, files: Mapping[str, str], problems: Collection[Problem] = ()) -> Parsed:
    """Ask the job's scanner about files (path -> the project's file), and about the canary in each process.

    `problems` are those of files that could not even be laid out for it. Raises ToolError.
    """
    crew = Crew(
        job=job,
        python=str(job.environment() / "bin" / "python"),
        program=f"mlsecops.programs.{scanner.program}",
        parse=Opinion.from_json,
        processes=usable_cores(),
        seconds=job.tool.timeout,
        order={"seconds": scanner.seconds, "rate": scanner.rate, "memory": scanner.memory},
        env=scanner.env,
        small=scanner.small,
    )
    canary = job.canary({"canary.pkl": CANARY}) / "canary.pkl"
    readings = crew.read(tuple(files), str(canary))
    opinions = {files[path]: opinion for path, opinion in readings.read.items()}
    troubles = {uri: opinion.trouble for uri, opinion in opinions.items() if opinion.trouble}
    troubles |= {files[path]: why for path, why in readings.lost.items()}
    found = bool(readings.canaries) and all(_SYSTEM & set(each.imports) for each in readings.canaries)
    return Parsed(
        looked_at=frozenset(opinions.keys() - troubles.keys()),
        rules=[rule.to_sarif() for rule in (UNSAFE, UNKNOWN_IMPORT, CALLED_DANGEROUS)],
        results=[result for uri, opinion in opinions.items() for result in _results(job, uri, opinion)],
        canary=job.tool.canary_rules if found else frozenset(),
        problems=[
            *problems,
            *(
                Problem(uri, printable(why)[:_LONGEST_REASON], kind="unparsed")
                for uri, why in troubles.items()
            ),
        ],
        notes=list(_unlisted(job.tool.name, [uri for uri, each in opinions.items() if each.unlisted])),
    )


def _results(job: Job, uri: str, opinion: Opinion) -> Iterator[Json]:
    for name in opinion.imports:
        yield unsafe(uri, name, job.tool.name, job.project)
    for code in opinion.extensions:
        yield opaque(uri, f"extension {code}")
    for what, sentence in opinion.others:
        yield called_dangerous(uri, job.tool.name, what, sentence)


def _unlisted(name: str, uris: Sequence[str]) -> Iterator[str]:
    if uris:
        yield f"imports in {few(uris)} are on no list of {name}"
