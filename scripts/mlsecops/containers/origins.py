"""Which line of its Dockerfile brought each layer of an image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlsecops.containers.archive import Step
from mlsecops.dockerfiles import Dockerfile
from mlsecops.dockerfiles.instruction import Instruction
from mlsecops.dockerfiles.syntax import Stage

_CLASSIC = re.compile(r"#\(nop\)\s+([A-Za-z]+)")
_KEYWORD = re.compile(
    r"(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL|USER"
    r"|VOLUME|WORKDIR)\b"
)


@dataclass(frozen=True, slots=True)
class Origins:
    """The instruction behind each layer, None for those of the base; `base_line` is that of its FROM.

    `steps` are the instructions with what the history says of them. `known` is False where the history does
    not fit the Dockerfile: then nothing is known to be of the base, and everything counts as the image's own.
    """

    base_line: int
    layers: tuple[Instruction | None, ...]
    steps: tuple[tuple[Instruction, Step], ...] = ()
    known: bool = True

    def line(self, layer: int) -> int:
        """The line that brought a layer."""
        instruction = self.layers[layer]
        return instruction.line if instruction else self.base_line

    def is_base(self, layer: int) -> bool:
        """Whether a layer comes with the base image."""
        return self.known and self.layers[layer] is None


def origins(dockerfile: Dockerfile, target: str | None, steps: Sequence[Step], layers: int) -> Origins:
    """The origins of an image's layers: the last entries of its history are the Dockerfile's instructions."""
    stages = lineage(dockerfile, target)
    base_line = stages[-1].source.line if stages else 1
    instructions = [each for stage in reversed(stages) for each in stage.instructions]
    first = len(steps) - len(instructions)
    unknown = Origins(base_line, (None,) * layers, known=False)
    if first < 0 or sum(not step.empty for step in steps) != layers:
        return unknown
    paired = list(zip(instructions, steps[first:], strict=True))
    if any(_keyword_of(step) != _keyword(instruction) for instruction, step in paired):
        return unknown
    made: list[Instruction | None] = [None for step in steps[:first] if not step.empty]
    made += [instruction for instruction, step in paired if not step.empty]
    return Origins(base_line, tuple(made), tuple(paired))


def lineage(dockerfile: Dockerfile, target: str | None) -> tuple[Stage, ...]:
    """The stage that is built, the stage that it builds on, and so on."""
    if target is None:
        return dockerfile.lineage()
    chain: list[Stage] = []
    stage = dockerfile.stage_named(target, len(dockerfile.stages))
    while stage is not None:
        chain.append(stage)
        stage = dockerfile.stage_named(stage.base, stage.index)
    return tuple(chain)


def _keyword(instruction: Instruction) -> str:
    return "ONBUILD" if instruction.trigger else instruction.keyword


def _keyword_of(step: Step) -> str:
    """The instruction that a builder says it ran; without a word of its own it is a shell's command."""
    classic = _CLASSIC.search(step.created_by)
    if classic:
        return classic[1].upper()
    written = _KEYWORD.match(step.created_by)
    return written[1] if written else "RUN"
