"""Calls that are not a name and a REDUCE: other opcodes, the memo, the stack, frames, streams in streams."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator

from corpus.assembler import (
    Build,
    Call,
    Computed,
    Extended,
    Get,
    Global,
    Put,
    Raw,
    Style,
    Then,
    code_of,
    pickled,
)
from corpus.sample import Sample, Variation

FAMILY = "opcode structure"
FICKLING = "https://github.com/trailofbits/fickling/security/advisories/"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/"
SOUR_PICKLES = "https://media.blackhat.com/bh-us-11/Slaviero/BH_US_11_Slaviero_Sour_Pickles_WP.pdf"
OPCODES = "https://github.com/python/cpython/blob/main/Lib/pickletools.py"

Row = tuple[str, str, int, object]


def samples(vary: Variation) -> Iterator[Sample]:
    """One for each way that the virtual machine has to call, keep and hide."""
    for technique, source, protocol, value in (*_opcodes(vary), *_state(vary), *_memo(vary), *_nested(vary)):
        yield _sample(technique, source, vary.pickled(value, protocol))
    for technique, source, data in _frames(vary):
        yield _sample(technique, source, data)


def _sample(technique: str, source: str, data: bytes) -> Sample:
    return Sample(name="model.pkl", data=data, family=FAMILY, technique=technique, source=source)


def _opcodes(vary: Variation) -> Iterator[Row]:
    system = Global(vary.pick(("os", "posix")), "system")
    command = vary.command()
    yield "INST, protocol 0", SOUR_PICKLES, 0, Call(system, (command,), "INST")
    yield "INST after a header", SOUR_PICKLES, 2, Call(system, (command,), "INST")
    yield "OBJ", OPCODES, 1, Call(system, (command,), "OBJ")
    yield (
        "OBJ, its result popped",
        FICKLING + "GHSA-mxhj-88fx-4pcv",
        4,
        Then((Call(system, (command,), "OBJ"), 1)),
    )
    eager = Global("builtins", vary.pick(("tuple", "frozenset", "bytes")))
    lazy = Call(Global("builtins", "map"), (system, [command]), "NEWOBJ")
    yield "NEWOBJ of a map, and of what consumes it", SOUR_PICKLES, 2, Call(eager, (lazy,), "NEWOBJ")
    lazy = Call(Global("builtins", "map"), (system, [command]), "NEWOBJ_EX")
    yield "NEWOBJ_EX of both", OPCODES, 4, Call(eager, (lazy,), "NEWOBJ_EX")
    yield "REDUCE, its result popped", OPCODES, 4, Then((Call(system, (command,)), {"weights": [1.0]}))
    hidden = Raw(b"(" + code_of(Call(system, (command,)), Style(2)) + b"1")
    yield "between MARK and POP_MARK", OPCODES, 2, Raw(hidden.code + b"N")
    yield (
        "DUP of the callable",
        OPCODES,
        2,
        Raw(code_of(system, Style(2)) + b"20" + code_of((command,), Style(2)) + b"R"),
    )
    yield "a call as the key of a dict", OPCODES, 4, {"a": 1, "b": [Call(system, (command,))]}
    yield "in the middle of 5,000 numbers", OPCODES, 4, [*range(2500), Call(system, (command,)), *range(2500)]
    yield (
        "in a persistent id",
        OPCODES,
        2,
        Raw(code_of(("storage", Call(system, (command,))), Style(2)) + b"Q"),
    )
    frozen = Raw(b"(" + code_of(Call(system, (command,)), Style(4)) + b"\x91")
    yield "inside a frozenset", OPCODES, 4, frozen
    yield "names that Python 2 had", SOUR_PICKLES, 0, Call(Global("commands", "getoutput"), (command,))
    yield "apply of Python 2", SOUR_PICKLES, 0, Call(Global("__builtin__", "apply"), (system, (command,)))
    register = Call(Global("copyreg", "add_extension"), ("os", "system", 0xF1))
    ways = (b"\x82\xf1", b"\x83\xf1\x00", b"\x84\xf1\x00\x00\x00")
    for number, way in enumerate(ways):
        call = Call(Raw(way), (command,))
        yield f"extension registry, EXT{1 << number}", OPCODES, 2, Then((register, call))


def _state(vary: Variation) -> Iterator[Row]:
    """Calls that BUILD, APPENDS, SETITEMS and ADDITEMS make on objects with attributes of one's choice."""
    system = Global("os", "system")
    command = vary.command()
    carrier = vary.pick(
        (("argparse", "Namespace"), ("types", "SimpleNamespace"), ("email.message", "Message"))
    )
    empty = Call(Global(*carrier), (), "NEWOBJ")
    armed = Build(empty, {"__setstate__": system})
    yield "BUILD sets __setstate__, a second BUILD calls it", SOUR_PICKLES, 4, Build(armed, command)
    slots = Build(empty, (None, {"__setstate__": system}))
    yield "the same through the state of slots", SOUR_PICKLES, 4, Build(slots, command)
    yield (
        "APPEND calls append",
        OPCODES,
        4,
        Extended(Build(empty, {"append": system}), (command,)),
    )
    added = Raw(
        code_of(Build(empty, {"add": system}), Style(4)) + b"(" + code_of(command, Style(4)) + b"\x90"
    )
    yield "ADDITEMS calls add", OPCODES, 4, added
    yield (
        "SETITEMS on os.environ",
        OPCODES,
        4,
        Extended(Global("os", "environ"), pairs=(("LD_PRELOAD", f"/tmp/{vary.word()}.so"),)),
    )
    yield (
        "SETITEMS on sys.modules",
        "https://github.com/mmaitre314/picklescan/blob/main/tests/test_scanner.py",
        4,
        Extended(Global("sys", "modules"), pairs=((vary.word(), Global("os", "path")),)),
    )
    module = Global(vary.pick(("numpy", "torch", "collections")), vary.pick(("__dict__",)))
    yield "SETITEMS on the names of a module", OPCODES, 4, Extended(module, pairs=(("load", system),))
    kind = vary.pick((("json.decoder", "JSONDecoder", "decode"), ("logging", "Formatter", "format")))
    patched = Build(Global(*kind[:2]), (None, {kind[2]: system}))
    yield "BUILD on a class, not on an object", OPCODES, 4, patched


def _memo(vary: Variation) -> Iterator[Row]:
    command = vary.command()
    one, two = vary.key(1), vary.key(2)
    kept = (Put(one, "os"), Put(two, "system"))
    called = Call(Computed(Get(one), Get(two)), (command,))
    yield "names from the memo", PICKLESCAN + "issues/22", 4, Then((*kept, called))
    decoy = (Put(one, "numpy"), Put(one, "os"), Put(two, "system"), "ndarray")
    yield "a memo entry that is overwritten", PICKLESCAN + "issues/22", 4, Then((*decoy, called))
    yield (
        "a popped decoy before STACK_GLOBAL",
        PICKLESCAN + "issues/22",
        4,
        Call(Computed(Then(("collections", "OrderedDict", "os")), "system"), (command,)),
    )
    yield (
        "the callable from the memo",
        OPCODES,
        4,
        Then((Put(one, Global("os", "system")), [1, 2], Call(Get(one), (command,)))),
    )
    arguments = Put(two, (command,))
    yield "the arguments from the memo", OPCODES, 2, Then((arguments, Call(Global("os", "system"), Get(two))))
    by_memoize = Raw(
        b"\x8c\x02os\x94\x8c\x06system\x9400h\x00h\x01\x93" + code_of((command,), Style(4)) + b"R"
    )
    yield "MEMOIZE counts, BINGET reads", OPCODES, 4, by_memoize


def _nested(vary: Variation) -> Iterator[Row]:
    inner = vary.payload(vary.pick((2, 3, 4)))
    loads = Global(vary.pick(("pickle", "_pickle", "cPickle", "dill", "cloudpickle")), "loads")
    yield (
        "a pickle in a pickle",
        "https://github.com/protectai/modelscan/issues/267",
        4,
        Call(loads, (inner,)),
    )
    twice = pickled(Call(Global("pickle", "loads"), (inner,)), Style(4))
    yield "a pickle in a pickle in a pickle", OPCODES, 4, Call(Global("_pickle", "loads"), (twice,))
    yield "a pickle in a bytearray", OPCODES, 5, Call(Global("pickle", "loads"), (bytearray(inner),))
    encoded = base64.b64encode(vary.payload(4)).decode()
    yield "a pickle in Base64, kept as a text", OPCODES, 4, {"state": encoded, "name": vary.word()}
    held = pickled({"state": pickled({"state": inner}, Style(4))}, Style(4))
    yield "a pickle in bytes in a pickle in bytes", OPCODES, 4, {"weights": held}
    text = inner.decode("latin-1")
    as_text = Call(Global("_codecs", "encode"), (text, "latin1"))
    yield "a pickle in a text", OPCODES, 2, Call(Global("pickle", "loads"), (as_text,))


def _frames(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    body = code_of(vary.shell(), vary.style(4))
    head = b"\x80\x04"
    yield "outside the only frame", FICKLING, head + _frame(b"N0") + body + b"."
    yield "no frame", OPCODES, head + body + b"."
    yield "a frame for each opcode", OPCODES, head + _frame(b"N") + _frame(b"0") + _frame(b"") + body + b"."
    yield "no header", OPCODES, body + b"."
    yield "a second header with another protocol", OPCODES, b"\x80\x02" + b"\x80\x04" + body + b"."
    yield "a header in the middle", OPCODES, b"\x80\x03N0\x80\x04" + body + b"."
    escaped = (
        rb"S'\x6f\x73'"
        b"\n"
        rb"S'\x73\x79stem'"
        b"\n\x93" + code_of((vary.command(),), Style(2)) + b"R."
    )
    yield "names in escaped STRINGs", PICKLESCAN + "security/advisories/GHSA-9gvj-pp9x-gcfr", escaped
    unicode = b"V\\u006f\\u0073\nV\\u0073ystem\n\x93" + code_of((vary.command(),), Style(2)) + b"R."
    yield "names in escaped UNICODEs", PICKLESCAN + "security/advisories/GHSA-9gvj-pp9x-gcfr", unicode


def _frame(body: bytes) -> bytes:
    return b"\x95" + struct.pack("<Q", len(body)) + body
