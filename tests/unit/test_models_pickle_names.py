"""What can be told from names and arguments alone."""

from __future__ import annotations

import pytest
from mlsecops.models.pickle.arguments import looks_dangerous, shown
from mlsecops.models.pickle.dangers import by_name, by_words
from mlsecops.models.pickle.names import (
    canonical,
    inner,
    is_plain,
    is_standard,
    looks_like_class,
    strange,
    words,
)
from mlsecops.models.pickle.values import Call, Constant, Cut, Global, Mapping, Sequence, Unknown, Value

CANONICAL = {
    "__builtin__.eval": "builtins.eval",
    "__builtin__.xrange": "builtins.range",
    "copy_reg._reconstructor": "copyreg._reconstructor",
    "cPickle.loads": "pickle.loads",
    "urllib2.urlopen": "urllib.request.urlopen",
    "os.system": "os.system",
    "copy_reg": "copy_reg",
}
STRANGE = {
    "a.__globals__": "__globals__",
    "a.__class__().__mro__": "__class__",
    "a.mro": "mro",
    "a.f_back.b": "f_back",
    "a.func_globals": "func_globals",
    "a.gi_frame": "gi_frame",
    "a.co_consts": "co_consts",
    "__main__.Model": "",
    "copyreg.__newobj_ex__": "",
    "numpy.random.__RandomState_ctor": "",
    "a.__pyx_unpickle_B": "",
    "a._private": "",
}
INNER = {
    "torch.hub.os.system": "os.system",
    "random._os.system": "os.system",
    "a.b.subprocess.Popen": "subprocess.Popen",
    "a.os.path.os.system": "os.system",
    "os.system": None,
    "mypackage.os": None,
    "mypackage.requests.Request": None,
    "mypackage.requests.get": "requests.get",
    "logging.threading.local": "threading.local",
    "mypackage.threading.Thread": "threading.Thread",
}
BY_NAME = {
    "os.path.join": "process",
    "os": "process",
    "oslo.thing": "",
    "io.open": "file",
    "io.BytesIO": "",
    "torch.hub.load": "network",
    "torch.nn.Linear": "",
    "inspect.Signature": "",
    "inspect.stack": "inside",
    "subprocess.Popen().wait": "process",
}
WORDS = {
    "a.run_string": ("run", "string"),
    "a._runString": ("run", "string"),
    "a.HTTPServer": ("http", "server"),
    "a.exec2": ("exec", "2"),
    "a.b": ("b",),
}
BY_WORDS = {
    "a.run_shell": ("process", "process"),
    "a.evalExpression": ("code", "code"),
    "a.import_module": ("import", "import"),
    "a.load_library": ("native", "native"),
    "a.load_model": ("load", ""),
    "a.write_all": ("file", ""),
    "a.download": ("network", ""),
    "a.evaluation": ("", ""),
    "a.module_import_of": ("import", "import"),
}
TEXTS = {
    "import os": "code",
    "().__class__": "code",
    "lambda x: x": "code",
    "eval('1')": "code",
    "echo hello": "process",
    "true; curl x": "process",
    "https://x.invalid/y": "network",
    "S3://bucket/y": "network",
    "/etc/passwd": "file",
    "~/x": "file",
    "../x": "file",
    r"C:\x": "file",
    "linear": "",
    "this is important": "",
    "a/b": "",
    "catalogue": "",
}


@pytest.mark.parametrize("name", CANONICAL)
def test_names_of_python_2(name: str) -> None:
    assert canonical(name) == CANONICAL[name]


@pytest.mark.parametrize("name", STRANGE)
def test_ways_into_the_machinery(name: str) -> None:
    assert strange(name) == STRANGE[name]


@pytest.mark.parametrize("name", INNER)
def test_modules_within_modules(name: str) -> None:
    assert inner(name) == INNER[name]


@pytest.mark.parametrize("name", BY_NAME)
def test_abilities_by_the_beginning_of_a_name(name: str) -> None:
    assert by_name(name) == BY_NAME[name]


@pytest.mark.parametrize("name", WORDS)
def test_words_of_names(name: str) -> None:
    assert words(name) == WORDS[name]


@pytest.mark.parametrize("name", BY_WORDS)
def test_abilities_by_words(name: str) -> None:
    found = words(name)
    assert (by_words(found, strong=False), by_words(found, strong=True)) == BY_WORDS[name]


def test_how_names_are_spelt() -> None:
    assert is_plain("a.b().C")
    assert not any(map(is_plain, ("a.-b", "a..b", "a.b c", "1a", "")))
    assert looks_like_class("a._Model")
    assert not any(map(looks_like_class, ("a.model", "A.model", "a._")))
    assert is_standard("commands.getoutput")
    assert not is_standard("numpy.array")


def called(*arguments: Value, **keywords: Value) -> Call:
    return Call("mypackage.run", arguments, 0, "REDUCE", tuple(keywords.items()))


def nested(value: Value, depth: int) -> Value:
    for _ in range(depth):
        value = Sequence("list", (value,), 1)
    return value


@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_an_unknown_function_is_handed(text: str) -> None:
    assert looks_dangerous(called(Constant(text))) == TEXTS[text]
    assert looks_dangerous(called(Constant(1), Constant(text.encode()))) == TEXTS[text]
    assert looks_dangerous(called(Cut(text, 10**6, 0))) == TEXTS[text]
    assert looks_dangerous(called(key=nested(Constant(text), 3))) == TEXTS[text]
    assert looks_dangerous(called(Mapping(((Constant(text), Unknown()),), 1))) == TEXTS[text]


def test_pickles_that_an_unknown_function_is_handed() -> None:
    assert looks_dangerous(called(Constant(b"\x80\x04N."))) == "load"
    assert looks_dangerous(called(Cut(b"\x80\x02", 10**6, 0))) == "load"
    assert looks_dangerous(called(Constant(b"\x80\x09"), Unknown(), Global("os.system"))) == ""


def test_texts_are_looked_for_to_a_depth() -> None:
    assert looks_dangerous(called(nested(Constant("import os"), 4))) == "code"
    assert looks_dangerous(called(nested(Constant("import os"), 5))) == ""


def test_the_first_text_of_a_call_is_shown_short_and_on_one_line() -> None:
    assert shown(called(Constant(1), Constant(" \n"), Constant("a\x1b[31m\n`b`"))) == " with `a [31m 'b'`"
    assert shown(called(x=Constant("a" * 100))) == f" with `{'a' * 80}…`"
    assert shown(called(Constant(b"abc"))) == " with `abc`"
    assert shown(called(Constant(b"\xff"), Constant(1))) == ""
