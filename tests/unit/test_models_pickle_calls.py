"""Names that are put together, functions that call functions: what is called in the end."""

from __future__ import annotations

import base64
import binascii
import zlib

import pytest
from mlsecops.models.pickle.values import Call, Constant, Global, Result, Unknown
from support.pickle_streams import imports, run, targets, text

GETATTR = b"cbuiltins\ngetattr\n"
IMPORT = b"cimportlib\nimport_module\n"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


def get(value: bytes, name: str) -> bytes:
    return call(GETATTR, value, text(name))


def name(dotted: str) -> bytes:
    module, _, last = dotted.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def last(data: bytes) -> str | None:
    return targets(data + b".")[-1]


ECHO = text("echo hello")
OS = call(name("importlib.import_module"), text("os"))
PATHS = {
    "getattr of a module": get(OS, "system"),
    "__import__": get(call(name("builtins.__import__"), text("os")), "system"),
    "__import__ of a package": get(get(call(name("builtins.__import__"), text("os.path")), "sys"), "x"),
    "importlib.__import__": get(call(name("importlib.__import__"), text("os"), b"NN", text("x")), "system"),
    "relative import": get(call(IMPORT, text(".b"), text("a")), "c"),
    "resolve_name": call(name("pkgutil.resolve_name"), text("os:system")),
    "locate": call(name("pydoc.locate"), text("os.system")),
    "sys.modules": get(call(name("operator.getitem"), name("sys.modules"), text("os")), "system"),
    "sys.modules.get": get(call(name("sys.modules.get"), text("os")), "system"),
    "sys.modules by getattr": get(call(get(name("sys.modules"), "__getitem__"), text("os")), "system"),
    "dict.get of sys.modules": get(
        call(name("builtins.dict.get"), name("sys.modules"), text("os")), "system"
    ),
    "module dict": call(name("operator.getitem"), name("os.__dict__"), text("system")),
    "vars": call(name("operator.getitem"), call(name("builtins.vars"), OS), text("system")),
    "globals of a function": call(name("operator.getitem"), name("os.walk.__globals__"), text("system")),
    "__getattribute__ of it": call(name("os.__getattribute__"), text("system")),
    "__getattribute__ of object": call(name("builtins.object.__getattribute__"), OS, text("system")),
    "__getattribute__ of another": call(name("x.Y.__getattribute__"), OS, text("system")),
    "attrgetter": call(call(name("operator.attrgetter"), text("path.os.system")), OS),
    "attrgetter of C": call(call(name("_operator.attrgetter"), text("system")), OS),
    "itemgetter": call(call(name("operator.itemgetter"), text("system")), name("os.__dict__")),
    "item of a list": call(name("operator.getitem"), b"](" + name("os.system") + b"eK\x00"),
    "item of a tuple": call(name("operator.getitem"), name("os.system") + b"\x85K\x00"),
    "item of a dict": call(name("operator.getitem"), b"}" + text("k") + name("os.system") + b"sVk\n"),
    "dict.get": call(get(b"}" + text("k") + name("os.system") + b"s", "get"), text("k")),
    "partial": call(name("functools.partial"), name("os.system")),
    "partial in partial": call(name("functools.partial"), call(name("functools.partial"), name("os.system"))),
    "func of a partial": get(call(name("functools.partial"), name("os.system")), "func"),
    "state of a partial": call(name("functools.partial"), name("x.y")) + name("os.system") + b"(}Ntb",
    "__get__": call(name("os.system.__get__"), b"N"),
    "__call__": get(name("os.system"), "__call__"),
    "builtins by a function": get(name("x.y.__builtins__"), "eval"),
    "dill's import": call(name("dill._dill._import_module"), text("os.system")),
    "dill's getattr": call(name("dill._dill._get_attr"), OS, text("system")),
    "cloudpickle's import": get(call(name("cloudpickle.cloudpickle.subimport"), text("os")), "system"),
    "self of a builtin": get(get(name("builtins.print"), "__self__"), "eval"),
    "the callable of OBJ": name("os.system"),
}
EXPECTED = {
    "__import__ of a package": "os.sys.x",
    "relative import": "a.b.c",
    "attrgetter": "os.path.os.system",
    "__call__": "os.system",
    "builtins by a function": "builtins.eval",
    "self of a builtin": "builtins.eval",
    "dict.get": "os.system",
}


@pytest.mark.parametrize("way", PATHS)
def test_ways_to_a_function(way: str) -> None:
    wanted = EXPECTED.get(way, "os.system")
    assert last(call(PATHS[way], ECHO)) == wanted


APPLIED = {
    "map": call(name("builtins.map"), name("os.system"), b"](" + ECHO + b"e"),
    "map over two": call(name("builtins.map"), name("os.system"), b"](" + ECHO + b"e", b"](Ne"),
    "map over a dict": call(name("builtins.map"), name("os.system"), b"}" + ECHO + b"Ns"),
    "filter": call(name("builtins.filter"), name("os.system"), ECHO + b"\x85"),
    "filter of what is not known": call(name("builtins.filter"), name("os.system"), call(name("x.y"))),
    "starmap": call(name("itertools.starmap"), name("os.system"), b"](" + ECHO + b"\x85e"),
    "reduce": call(name("functools.reduce"), name("os.system"), b"](" + ECHO + b"Ne"),
    "reduce from a value": call(name("_functools.reduce"), name("os.system"), b"](Ne" + ECHO),
    "accumulate": call(name("itertools.accumulate"), b"](" + ECHO + b"Ne", name("os.system")),
    "operator.call": call(name("operator.call"), name("os.system"), ECHO),
    "methodcaller": call(call(name("operator.methodcaller"), text("system"), ECHO), OS),
    "map of a partial": call(
        name("builtins.map"), call(name("functools.partial"), name("os.system"), ECHO), b"](Ne"
    ),
    "sorted": name("builtins.sorted") + b"](" + ECHO + b"e\x85}" + text("key") + name("os.system") + b"s\x92",
    "max": name("builtins.max") + b"](" + ECHO + b"e\x85}" + text("key") + name("os.system") + b"s\x92",
}


@pytest.mark.parametrize("way", APPLIED)
def test_functions_that_call_another(way: str) -> None:
    _, events = run(APPLIED[way] + b".")
    calls = [event for event in events if isinstance(event, Call) and event.target == "os.system"]
    assert calls
    if "not known" not in way:
        assert Constant("echo hello") in calls[0].arguments


BOMB = zlib.compress(bytes(9000))
LATIN = text("latin1")
TEXTS = {
    "encode": call(get(call(name("_codecs.encode"), text("system"), LATIN), "decode")),
    "rot13": call(name("codecs.decode"), text("flfgrz"), text("rot13")),
    "rot13 back": call(name("codecs.encode"), text("flfgrz"), text("rot_13")),
    "hex": call(name("_codecs.decode"), b"C\x0c" + binascii.hexlify(b"system"), text("hex")),
    "base64 codec": call(name("codecs.decode"), text(base64.b64encode(b"system").decode()), text("base64")),
    "zlib codec": call(name("codecs.decode"), b"C\x0e" + zlib.compress(b"system"), text("zlib")),
    "b64decode": call(name("base64.b64decode"), text(base64.b64encode(b"system").decode())),
    "b32decode": call(name("base64.b32decode"), text(base64.b32encode(b"system").decode())),
    "b16decode": call(name("base64.b16decode"), text(b"system".hex())),
    "unhexlify": call(name("binascii.unhexlify"), text(b"system".hex())),
    "zlib": call(name("zlib.decompress"), b"C\x0e" + zlib.compress(b"system")),
    "fromhex": call(name("builtins.bytes.fromhex"), text(b"system".hex())),
    "bytes of numbers": call(
        name("builtins.bytes"), b"](" + b"".join(b"K%c" % each for each in b"system") + b"e"
    ),
    "bytes of text": call(name("builtins.bytes"), text("system"), text("ascii")),
    "bytearray": call(name("builtins.bytearray"), b"C\x06system"),
    "str of bytes": call(name("builtins.str"), b"C\x06system", text("utf-8")),
    "str of text": call(name("builtins.str"), text("system")),
    "join": call(get(text(""), "join"), b"](" + text("sys") + text("tem") + b"e"),
    "join of the class": call(name("builtins.str.join"), text(""), text("system")),
    "join of bytes": call(get(b"C\x00", "join"), b"C\x03sysC\x03tem\x86"),
    "reversed": call(get(text(""), "join"), call(name("builtins.reversed"), text("metsys"))),
    "reversed of a list": call(
        get(text(""), "join"), call(name("builtins.reversed"), b"](" + text("tem") + text("sys") + b"e")
    ),
    "list": call(get(text(""), "join"), call(name("builtins.list"), text("system"))),
    "replace": call(get(text("syXtem"), "replace"), text("X"), text("s")),
    "lower": call(get(text("SYSTEM"), "lower")),
    "strip": call(get(text(" system "), "strip")),
    "removeprefix": call(get(text("xsystem"), "removeprefix"), text("x")),
    "removesuffix": call(get(text("systemx"), "removesuffix"), text("x")),
    "add": call(name("operator.add"), text("sys"), text("tem")),
    "add of bytes": call(name("operator.concat"), b"C\x03sysC\x03tem"),
    "__add__": call(get(text("sys"), "__add__"), text("tem")),
    "__str__": call(get(text("system"), "__str__")),
    "chr": call(name("operator.add"), call(name("builtins.chr"), b"K" + b"s"), text("ystem")),
    "__getitem__": call(name("operator.add"), call(get(text("xs"), "__getitem__"), b"K\x01"), text("ystem")),
}


@pytest.mark.parametrize("way", TEXTS)
def test_names_that_are_put_together(way: str) -> None:
    computed = TEXTS[way]
    as_text = call(name("builtins.str"), computed, text("utf-8"))
    _, events = run(b"\x80\x04" + text("os") + as_text + b"\x93.")
    assert ("os.system" in [getattr(event, "name", "") for event in events]) is True


@pytest.mark.parametrize(
    "computed",
    [
        call(name("codecs.decode"), b"C\x01a", text("idna")),
        call(name("codecs.decode"), b"C\x01a", b"N"),
        call(name("codecs.decode"), b"K\x01", text("hex")),
        call(name("codecs.decode"), b"C\x01a", text("hex")),
        call(name("codecs.encode"), text("a"), text("idna")),
        call(name("codecs.encode"), b"K\x01", text("ascii")),
        call(name("codecs.encode"), b"C\x01a", text("idna")),
        call(name("builtins.str"), b"C\x01a"),
        call(name("builtins.str"), b"K\x01"),
        call(name("builtins.bytes"), b"K\x05"),
        call(name("builtins.chr"), text("a")),
        call(name("builtins.reversed"), b"K\x01"),
        call(name("zlib.decompress"), text("a")),
        call(name("zlib.decompress"), b"C\x01a"),
        call(name("base64.b64decode"), b"K\x01"),
        call(name("base64.b32decode"), b"K\x01"),
        call(name("binascii.unhexlify"), b"K\x01"),
        call(name("builtins.bytes.fromhex"), b"K\x01"),
        call(name("operator.add"), b"K\x01K\x01"),
        call(name("builtins.str.join"), text(""), b"](K\x01e"),
        call(name("builtins.str.join"), text(""), b"K\x01"),
        call(name("builtins.bytes.join"), b"C\x00](K\x01e"),
        call(name("builtins.str.replace"), b"K\x01", text("a"), text("b")),
        call(name("builtins.str.removeprefix"), b"K\x01", text("a")),
        call(name("builtins.str.__getitem__"), b"K\x01K\x01"),
        call(name("builtins.str.lower"), b"K\x01"),
        call(name("builtins.str.unknown"), text("a")),
        call(
            name("zlib.decompress"),
            b"C" + bytes([len(zlib.compress(bytes(9000)))]) + zlib.compress(bytes(9000)),
        ),
    ],
)
def test_what_cannot_be_computed_is_only_a_result(computed: bytes) -> None:
    machine, _ = run(b"\x80\x04" + computed + b".")
    assert isinstance(machine.value, Result)


@pytest.mark.parametrize(
    "data",
    [
        call(GETATTR, name("x.y"), b"K\x01"),
        call(name("builtins.__import__"), b"K\x01"),
        call(IMPORT, b"K\x01"),
        call(name("dill._dill._load_type"), b"K\x01"),
        call(name("operator.getitem"), name("x.y"), b"K\x01"),
        call(call(name("operator.attrgetter"), b"K\x01"), name("x.y")),
        call(call(name("operator.attrgetter"), text("a")), call(GETATTR, name("x.y"), b"N")),
    ],
)
def test_what_is_not_known_is_called_without_a_name(data: bytes) -> None:
    assert last(call(data, ECHO)) is None


@pytest.mark.parametrize(
    "function",
    [
        "builtins.getattr",
        "operator.getitem",
        "builtins.vars",
        "functools.partial",
        "operator.attrgetter",
        "operator.itemgetter",
        "operator.methodcaller",
        "operator.call",
        "builtins.map",
        "itertools.starmap",
        "functools.reduce",
        "itertools.accumulate",
        "builtins.sorted",
        "builtins.list",
        "copyreg.__newobj__",
        "numpy.dtype",
        "copyreg.add_extension",
    ],
)
def test_helpers_without_arguments_are_only_called(function: str) -> None:
    machine, _ = run(call(name(function)) + b"0N.")
    assert targets(call(name(function)) + b".") == [function]
    assert machine.reason is None


def test_types_by_short_names() -> None:
    assert "types.CodeType" in imports(call(name("dill._dill._load_type"), text("CodeType")) + b".")
    assert "builtins.int" in imports(call(name("cloudpickle.cloudpickle._builtin_type"), text("int")) + b".")


def test_instances_are_of_the_class_that_is_made() -> None:
    made = call(name("copyreg._reconstructor"), name("x.Y"), name("builtins.object"), b"N")
    assert targets(made + b"}b.")[-1] == "x.Y().__setstate__"
    assert targets(call(name("x.Y.__new__"), name("x.Y")) + b"}b.")[-1] == "x.Y().__setstate__"


def test_methods_of_what_a_call_gives() -> None:
    made = call(name("x.Y"))
    assert last(call(get(made, "run"), ECHO)) == "x.Y().run"
    assert last(call(made, ECHO)) == "x.Y().__call__"
    assert last(call(get(get(text("a"), "__class__"), "mro"))) == "builtins.str.__class__.mro"
    assert "x.Y().__class__" in imports(get(made, "__class__") + b".")


def test_what_is_shown_of_objects() -> None:
    partial = call(name("functools.partial"), name("x.y"))
    getter = call(name("operator.attrgetter"), text("a"))
    bound = get(text("a"), "join")
    nothing = call(GETATTR, name("x.y"), b"N")
    _, events = run(
        call(name("x.z"), partial, getter, bound, nothing, call(name("numpy.dtype"), text("f8"))) + b"."
    )
    assert isinstance(events[-1], Call)
    assert events[-1].arguments == (
        Result("functools.partial"),
        Result("operator.attrgetter"),
        Global("builtins.str.join"),
        Result(None),
        Result("numpy.dtype"),
    )


def test_calls_in_calls_are_bounded() -> None:
    partial = name("os.system")
    for _ in range(30):
        partial = call(name("functools.partial"), partial)
    assert last(call(partial, ECHO)) is None
    mapped = name("os.system")
    rows = b"](" + b"NN" + b"e"
    data = call(
        name("builtins.map"), name("builtins.map"), b"](" + mapped * 16 + b"e", b"](" + rows * 16 + b"e"
    )
    assert len(targets(data + b".")) <= 60


def test_state_of_a_partial_that_is_a_list() -> None:
    data = call(name("functools.partial"), name("x.y")) + b"](NeN0b"
    assert targets(call(data, ECHO) + b".")[-1] is None


def test_a_map_of_what_is_never_called() -> None:
    machine, _ = run(call(name("builtins.map"), text("x"), b"](Ne") + b".")
    assert machine.reason is None


def test_keywords_that_are_not_known() -> None:
    _, events = run(name("x.y") + b")" + call(name("x.z")) + b"\x92.")
    assert isinstance(events[-1], Call)
    assert events[-1].arguments == (Unknown("arguments that cannot be known"),)
