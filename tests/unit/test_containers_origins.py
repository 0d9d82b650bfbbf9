"""Layers and the lines of Dockerfiles that brought them."""

from __future__ import annotations

import pytest
from mlsecops import dockerfiles
from mlsecops.containers.archive import Step
from mlsecops.containers.origins import Origins, origins

TEXT = """FROM base:1 AS builder
RUN make
FROM base:1 AS shared
ENV A=b
RUN prepare
FROM shared
WORKDIR /app
COPY --from=builder /x /x
ONBUILD RUN later
USER 1
"""
BASE = Step("/bin/sh -c #(nop) ADD file:1 in / ", False)
CLASSIC = (
    BASE,
    Step('/bin/sh -c #(nop)  CMD ["bash"]', True),
    Step("/bin/sh -c #(nop)  ENV A=b", True),
    Step("/bin/sh -c prepare", False),
    Step("/bin/sh -c #(nop) WORKDIR /app", False),
    Step("/bin/sh -c #(nop) COPY dir:1 in /x ", False),
    Step("/bin/sh -c #(nop)  ONBUILD RUN later", True),
    Step("/bin/sh -c #(nop)  USER 1", True),
)
BUILDKIT = (
    BASE,
    Step("ENV A=b", True),
    Step("RUN /bin/sh -c prepare # buildkit", False),
    Step("WORKDIR /app", False),
    Step("COPY /x /x # buildkit", False),
    Step("ONBUILD RUN later", True),
    Step("USER 1", True),
)


def found(steps: tuple[Step, ...], target: str | None = None, text: str = TEXT) -> Origins:
    return origins(dockerfiles.parse(text), target, steps, sum(not step.empty for step in steps))


@pytest.mark.parametrize("steps", [CLASSIC, BUILDKIT])
def test_each_builder_tells_its_steps(steps: tuple[Step, ...]) -> None:
    known = found(steps)
    assert known.known
    assert known.base_line == 3
    assert [known.line(number) for number in range(4)] == [3, 5, 7, 8]
    assert [known.is_base(number) for number in range(4)] == [True, False, False, False]
    assert [each.keyword for each, _ in known.steps] == ["ENV", "RUN", "WORKDIR", "COPY", "RUN", "USER"]


def test_a_stage_that_is_asked_for() -> None:
    known = found((BASE, Step("/bin/sh -c make", False)), "builder")
    assert [known.line(number) for number in range(2)] == [1, 2]


@pytest.mark.parametrize(
    "steps",
    [
        CLASSIC[:4],
        CLASSIC[:-1],
        (*CLASSIC[:-1], Step("/bin/sh -c #(nop)  CMD x", True)),
        (),
    ],
)
def test_a_history_that_does_not_fit_is_not_believed(steps: tuple[Step, ...]) -> None:
    known = found(steps)
    assert not known.known
    assert {known.line(number) for number in range(len(known.layers))} <= {3}


def test_a_history_with_other_layers_than_the_image() -> None:
    assert not origins(dockerfiles.parse(TEXT), None, CLASSIC, 9).known


def test_no_stage_at_all() -> None:
    assert origins(dockerfiles.parse("# nothing"), None, (), 0).base_line == 1
