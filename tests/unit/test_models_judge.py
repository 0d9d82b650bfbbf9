"""What is said of imports and calls in pickles, as tables: the event, then the verdict."""

from __future__ import annotations

import time

import pytest
from mlsecops.models.pickle.judge import judge, judge_name
from mlsecops.models.pickle.judgement import Judgement, Verdict
from mlsecops.models.pickle.values import (
    Call,
    Constant,
    Global,
    Import,
    Mapping,
    Result,
    Scalar,
    Sequence,
    Unknown,
    Value,
)

DOUBTFUL, DANGEROUS = 4.0, 7.0
SVC, FRAME, ARRAY = "sklearn.svm._classes.SVC", "pandas.core.frame.DataFrame", "numpy.ndarray"
FROZEN = "scipy.stats._distn_infrastructure.rv_frozen"
UNPICKLE_MODEL = "keras.src.saving.keras_saveable.KerasSaveable._unpickle_model"
EMPTY = Mapping((), 0)
PICKLE = b"\x80\x04N."


def told(target: str | None, *arguments: Value | Scalar, by: str = "REDUCE", exact: bool = True) -> Judgement:
    """What is said of a call."""
    values = tuple(
        Constant(each) if each is None or isinstance(each, bool | int | float | str | bytes) else each
        for each in arguments
    )
    return judge(Call(target, values, 0, by, exact=exact))


def told_of_import(name: str) -> Judgement:
    return judge(Import(name, 0))


def holds(judgement: Judgement, verdict: Verdict) -> bool:
    """Whether kind, severity and sentence agree with a verdict and with each other."""
    if judgement.kind != verdict:
        return False
    if verdict == "harmless":
        return judgement.severity == 0 and not judgement.sentence
    low, high = (DANGEROUS, 10.1) if verdict == "dangerous" else (DOUBTFUL, DANGEROUS)
    sentence = judgement.sentence
    return low <= judgement.severity < high and sentence.startswith("Loading ") and sentence.endswith(".")


HARMLESS_IMPORTS = """
    numpy.ndarray numpy.dtype numpy.float64 numpy.log1p numpy.core.multiarray._reconstruct numpy.memmap
    sklearn.svm._classes.SVC sklearn.svm.classes.SVC pandas.core.frame.DataFrame collections.OrderedDict
    __builtin__.set exceptions.ValueError copy_reg._reconstructor builtins.getattr builtins.object.__new__
    sklearn.svm._classes.SVC.__new__ sklearn.svm._classes.SVC.fit collections.OrderedDict.fromkeys
    torch.FloatStorage torch._utils._rebuild_tensor_v2 torch.storage._load_from_bytes inspect.Parameter
    __torch__.torch.nn.___torch_mangle_12.Linear scipy._lib.array_api_compat.numpy._aliases.asarray
    dill._dill._load_type dill._dill._eval_repr cloudpickle.cloudpickle._builtin_type
    sklearn._loss._loss.__pyx_unpickle_CyLoss operator.add _operator.add math.log
    sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper sklearn.svm._classes.SVC()
"""
DANGEROUS_IMPORTS = """
    os.system posix.system nt.system __builtin__.eval builtins.exec subprocess.Popen commands.getoutput
    importlib.import_module pickle.loads marshal.loads builtins.globals socket.create_connection
    shutil.rmtree sys.exit ctypes.CDLL atexit.register webbrowser.open inspect.stack
    sklearn.utils.os.system numpy.os.system torch.hub.os.system mypackage.subprocess.run sys.modules
    numpy.load numpy.fromfile pandas.eval torch.hub.load torch.load joblib.load keras.models.load_model
    collections.OrderedDict.__reduce_ex__ sklearn.svm._classes.SVC.fit.__globals__ builtins.object.mro
    mypackage.Model.__class__.__mro__ nonsense.-bad a..b operator.add.__self__
"""
UNKNOWN_IMPORTS = """
    mypackage.Model mypackage.run mypackage.run_shell sklearn.nowhere.Estimator sklearn.nowhere.helper
    tkinter.Tk graphlib.helper sklearn.svm._classes.SVC.load
"""


@pytest.mark.parametrize("name", HARMLESS_IMPORTS.split())
def test_names_that_libraries_write(name: str) -> None:
    assert holds(told_of_import(name), "harmless")
    assert judge_name(name) == "harmless"


@pytest.mark.parametrize("name", DANGEROUS_IMPORTS.split())
def test_names_that_run_load_write_or_fetch(name: str) -> None:
    assert holds(told_of_import(name), "dangerous")
    assert f"`{name}`" in told_of_import(name).sentence


@pytest.mark.parametrize("name", UNKNOWN_IMPORTS.split())
def test_names_that_nobody_knows(name: str) -> None:
    assert holds(told_of_import(name), "unknown")
    assert f"`{name}`" in told_of_import(name).sentence


def test_what_an_unknown_name_may_be_is_told() -> None:
    sentences = [told_of_import(name).sentence for name in UNKNOWN_IMPORTS.split()]
    assert [next(word for word in WORDS if word in each) for each in sentences] == [
        *("the class", "the function", "the function", "no pickle of that library"),
        *("no pickle of that library", "Python's own library", "Python's own library", "the method"),
    ]


WORDS = ("the method", "no pickle of that library", "Python's own library", "the class", "the function")


def test_an_unknown_function_that_is_named_like_a_shell_is_graver() -> None:
    plain, shell = told_of_import("mypackage.run"), told_of_import("mypackage.run_shell")
    assert plain.severity < shell.severity < DANGEROUS


RECONSTRUCT = "numpy.core.multiarray._reconstruct"
NEW_INDEX = "pandas.core.indexes.base._new_Index"
COMPILED = "sklearn._loss._loss.__pyx_unpickle_CyLoss"
HARMLESS_CALLS: dict[str, Judgement] = {
    "array": told(RECONSTRUCT, Global(ARRAY), Sequence("tuple", (Constant(0),), 1), b"b"),
    "array of an unusual class": told(RECONSTRUCT, Global("numpy.memmap"), Unknown(), b"b"),
    "dtype": told("numpy.dtype", "O8", False, True),
    "object": told(SVC, by="NEWOBJ"),
    "object by its __new__": told(f"{SVC}.__new__", Global(SVC)),
    "instance of Python 2": told(SVC, by="INST"),
    "object of protocol 0": told("copy_reg._reconstructor", Global(SVC), Global("__builtin__.object"), None),
    "object with keywords": told("copyreg.__newobj_ex__", Global(SVC), Sequence("tuple", (), 0), EMPTY),
    "state": told(f"{SVC}().__setstate__", EMPTY, by="BUILD"),
    "state that is not shown": told(f"{SVC}().__setstate__", by="BUILD"),
    "state of state": told(f"{SVC}()().__setstate__", EMPTY, by="BUILD"),
    "items": told("collections.OrderedDict().__setitem__", "a", 1, by="SETITEMS"),
    "members": told("collections.deque().append", 1, by="APPEND"),
    "getattr": told("builtins.getattr", Global(SVC), "fit"),
    "compiled": told(COMPILED, Global(FRAME), 1, None),
    "signature": told("inspect.Signature", Unknown()),
    "object of a class that moved": told("sklearn.nowhere.RandomForestClassifier", by="NEWOBJ"),
    "model within": told("torch.storage._load_from_bytes", PICKLE),
    "model within, from a stream": told(UNPICKLE_MODEL, Result("_io.BytesIO", Constant(PICKLE))),
    "int | str": told("_operator.or_", Global("builtins.int"), Global("builtins.str")),
    "bytes of protocol 2": told("_codecs.encode", "é", "latin1"),
}
DANGEROUS_CALLS: dict[str, Judgement] = {
    "shell": told("os.system", "echo hello"),
    "what is nowhere known": told(None, "echo hello"),
    "function instead of a class": told("os.system", by="NEWOBJ"),
    "dangerous class": told("subprocess.Popen", by="NEWOBJ"),
    "dangerous function of a library instead of a class": told("numpy.fromfile", by="NEWOBJ"),
    "state of a class": told(f"{SVC}.__setstate__", EMPTY, by="BUILD"),
    "state of a function": told("numpy.mean.__setstate__", EMPTY, by="BUILD"),
    "state of an object that is dangerous": told("subprocess.Popen().__setstate__", EMPTY, by="BUILD"),
    "method": told(f"{SVC}().fit", 1),
    "method with a word": told(f"{SVC}().load", 1),
    "method that writes": told(f"{FRAME}().to_pickle", "name"),
    "method with code": told(f"{FRAME}().query", "@x.__class__"),
    "method of what is dangerous": told("subprocess.Popen().communicate"),
    "method of what is unknown, with a word": told("mypackage.Model().run_shell", "x"),
    "method of what is unknown, with code": told("mypackage.Model().fit", "import os"),
    "append by REDUCE": told("mypackage.Model().append", "import os"),
    "object that is called": told("mypackage.Model().__call__"),
    "machinery of an object": told("mypackage.Model().__reduce__"),
    "method of a class": told("pandas.core.frame.DataFrame.from_dict", EMPTY),
    "method of plain values": told("builtins.str.join", "", Unknown()),
    "helper in another shape": told("builtins.getattr", Global(SVC), "__globals__"),
    "helper with unknown arguments": told("builtins.getattr", Global(SVC), "fit", exact=False),
    "function by its module and name": told("numpy.core._ufunc_reconstruct", "os", "system"),
    "file": told("numpy.fromfile", "name"),
    "class that opens files": told("joblib.memory.Memory", "name"),
    "loader": told("joblib.load", "name"),
    "danger of a known library": told("numpy.lib.npyio.load", "name"),
    "class of a library that writes, by another path": told("sklearn.calibration.Parallel", 2),
    "class of another library, imported there": told("skops.io._persist.ZipFile", "name"),
    "unpickler, imported there": told("joblib.numpy_pickle.Unpickler", Unknown()),
    "function that no pickle has": told("sklearn.utils.validation.check_memory", "name"),
    "function that makes code": told("scipy.stats._crosstab._make_tuple_bunch", "x", Unknown()),
    "class of Python that is no data": told("pstats.Stats", "name"),
    "another class of Python": told("xml.etree.ElementTree.ElementTree", None, "name"),
    "new class": told("builtins.type", "X", EMPTY, EMPTY, by="NEWOBJ"),
    "new class of a metaclass": told("abc.ABCMeta.__new__", Global("abc.ABCMeta"), "X"),
    "function of a library, with a file": told("numpy.mean", "/etc/passwd"),
    "distribution that makes code of its texts": told(FROZEN.replace("frozen", "continuous"), "a=b"),
    "class of a library, with an address": told(FRAME, "http://x.invalid"),
    "tool for an allowed call": told(NEW_INDEX, Global("numpy.memmap"), EMPTY),
    "helper for an allowed call": told(NEW_INDEX, Global("functools.partial"), EMPTY),
    "model within, of no bytes": told("torch.storage._load_from_bytes", Global(SVC)),
    "model within, with more": told("torch.storage._load_from_bytes", b"", "x"),
    "function that no list has": told("sklearn.nowhere.helper", 1),
    "function of Python that no list has": told("graphlib.helper", 1),
    "function of a library by a word": told("sklearn.nowhere.load_it", 1),
    "unknown function by a word": told("mypackage.run_shell", 1),
    "unknown function that loads what is named": told("mypackage.load_it", "name"),
    "unknown function that loads who knows what": told("mypackage.load_it", Unknown()),
    "unknown method that loads what is named": told("mypackage.Model().load_it", "name"),
    "unknown function with code": told("mypackage.run", "import os"),
    "unknown function with a pickle": told("mypackage.run", PICKLE),
}
UNKNOWN_CALLS: dict[str, Judgement] = {
    "state of what is nowhere known": told(None, EMPTY, by="BUILD"),
    "function of a library instead of a class": told("numpy.mean", by="NEWOBJ"),
    "unknown class": told("mypackage.Model", by="NEWOBJ"),
    "class of a library that none has": told("sklearn.nowhere.Estimator", by="NEWOBJ"),
    "state of an unknown class": told("mypackage.Model().__setstate__", EMPTY, by="BUILD"),
    "state that cannot be seen": told(f"{FROZEN}().__setstate__", Unknown(), by="BUILD"),
    "items of an unknown class": told("mypackage.Model().append", 1, by="APPENDS"),
    "method of an unknown class": told("mypackage.Model().fit", 1),
    "function of a library": told("numpy.mean", 1),
    "function of numbers": told("scipy.special._ufuncs.expit", 1),
    "function of Python": told("math.log", 1),
    "exception of Python": told("configparser.NoSectionError", "name"),
    "class of a library, by another path": told("sklearn.pipeline.SVC"),
    "class of a library": told(SVC),
    "compiled, without a class": told(COMPILED, Global("mypackage.Model"), 1, None),
    "compiled, without arguments": told(COMPILED),
    "model within, from a call": told(UNPICKLE_MODEL, Result("_io.BytesIO")),
    "unknown class that is called": told("mypackage.Model", 1),
    "class of a library that none has, called": told("sklearn.nowhere.Estimator", 1),
    "helper of a library that none has": told("sklearn.nowhere._rebuild_tree", 1),
    "unknown function that loads what it is handed": told("mypackage.load_it", b"data"),
    "unknown class that is named like a loader": told("mypackage.LoadError", "name"),
    "unknown function": told("mypackage.run", 1),
}


@pytest.mark.parametrize("case", HARMLESS_CALLS)
def test_calls_that_libraries_write(case: str) -> None:
    assert holds(HARMLESS_CALLS[case], "harmless"), HARMLESS_CALLS[case]


@pytest.mark.parametrize("case", DANGEROUS_CALLS)
def test_calls_that_run_load_write_or_fetch(case: str) -> None:
    assert holds(DANGEROUS_CALLS[case], "dangerous"), DANGEROUS_CALLS[case]


@pytest.mark.parametrize("case", UNKNOWN_CALLS)
def test_calls_of_what_nobody_knows(case: str) -> None:
    assert holds(UNKNOWN_CALLS[case], "unknown"), UNKNOWN_CALLS[case]


def test_sentences_show_what_is_called_with_what() -> None:
    assert told("os.system", "echo `hello`\n there").sentence == (
        "Loading this file runs a program or shell command through `os.system` with `echo 'hello' there`."
    )
    assert "with `echo hello`" in told("mypackage.run_shell", "echo hello").sentence
    assert "hands `numpy.memmap` to" in DANGEROUS_CALLS["tool for an allowed call"].sentence


@pytest.mark.parametrize("name", ["a" + ".b" * 500_000, "os" + "." * 1_000_000])
def test_a_name_without_end_takes_no_time(name: str) -> None:
    started = time.process_time()
    assert judge_name(name) != "harmless"
    assert time.process_time() - started < 1
