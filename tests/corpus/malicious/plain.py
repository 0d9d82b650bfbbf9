"""Plain pickles: one call that runs something, in every protocol."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.assembler import Call, Global
from corpus.sample import Sample, Variation

FAMILY = "plain pickles"
SOURCE = "https://docs.python.org/3/library/pickle.html#restricting-globals"


def samples(vary: Variation) -> Iterator[Sample]:
    """Four kinds of call in each of the six protocols."""
    for protocol in range(6):
        for technique, call in _calls(vary):
            yield Sample(
                name=f"model.{vary.pick(('pkl', 'pickle'))}",
                data=vary.pickled(_wrapped(vary, call), protocol),
                family=FAMILY,
                technique=f"{technique}, protocol {protocol}",
                source=SOURCE,
            )


def _calls(vary: Variation) -> Iterator[tuple[str, Call]]:
    system = vary.pick(("posix", "os", "nt"))
    yield f"{system}.system", Call(Global(system, "system"), (vary.command(),))
    name = vary.pick(("exec", "eval"))
    yield f"builtins.{name}", Call(Global("builtins", name), (vary.expression(),))
    start = vary.pick(("Popen", "run", "check_output", "call", "check_call", "getoutput"))
    command = vary.command() if start == "getoutput" else ["sh", "-c", vary.command()]
    yield f"subprocess.{start}", Call(Global("subprocess", start), (command,))
    name = vary.pick(("popen", "execv", "spawnv"))
    arguments: dict[str, tuple[object, ...]] = {
        "popen": (vary.command(),),
        "execv": ("/bin/echo", ["echo", vary.word()]),
        "spawnv": (0, "/bin/echo", ["echo", vary.word()]),
    }
    yield f"os.{name}", Call(Global("os", name), arguments[name])


def _wrapped(vary: Variation, call: Call) -> object:
    """The call alone, or as what a model would have among its values."""
    weights = [0.25, -1.5, 3.0]
    forms: tuple[object, ...] = (
        call,
        {"weights": weights, "hook": call},
        [weights, call],
        (weights, {"x": call}),
    )
    return vary.pick(forms)
