"""Helpers of installed libraries that evaluate, load, fetch or run what they are given."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.assembler import Call, Global
from corpus.gadgets import Argument, Gadget, as_samples, table
from corpus.sample import Sample, Variation

FAMILY = "ML library gadgets"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/security/advisories/"
HIDE_AND_SEEK = "https://arxiv.org/abs/2508.19774"
MODELSCAN = "https://github.com/protectai/modelscan/issues/330"
COMMAND, SHELL, CODE = Argument.COMMAND, Argument.SHELL, Argument.CODE
EXPRESSION, PATH, URL = Argument.EXPRESSION, Argument.PATH, Argument.URL
STREAM, MODULE = Argument.STREAM, Argument.MODULE

PUBLISHED: tuple[Gadget, ...] = (
    Gadget("torch.utils.bottleneck.__main__:run_cprofile", (CODE, {}), PICKLESCAN + "GHSA-4r9r-ch6f-vxmx"),
    Gadget(
        "torch.utils.bottleneck.__main__:run_autograd_prof", (CODE, {}), PICKLESCAN + "GHSA-4whj-rm5r-c2v8"
    ),
    Gadget("torch._dynamo.guards:GuardBuilder.get", ({}, EXPRESSION), PICKLESCAN + "GHSA-86cj-95qr-2p4f"),
    Gadget(
        "torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression",
        ({}, EXPRESSION, []),
        PICKLESCAN + "GHSA-f4x7-rfwp-v3xw",
    ),
    Gadget("torch.utils.collect_env:run", (COMMAND,), PICKLESCAN + "GHSA-f745-w6jp-hpxx"),
    Gadget("torch.utils.collect_env:run_and_read_all", (None, COMMAND), PICKLESCAN + "GHSA-jhph-76pp-mggw"),
    Gadget(
        "torch.utils.data.datapipes.utils.decoder:basichandlers",
        ("pickle", STREAM),
        PICKLESCAN + "GHSA-h3qp-7fh3-f8h4",
    ),
    Gadget(
        "torch.jit.unsupported_tensor_ops:execWrapper", (CODE, {}, {}), PICKLESCAN + "GHSA-vr7h-p6mm-wpmh"
    ),
    Gadget(
        "torch.utils._config_module:ConfigModule.load_config",
        ({}, STREAM),
        PICKLESCAN + "GHSA-vv6j-3g6g-2pvj",
    ),
    Gadget("numpy.f2py.crackfortran:getlincoef", (EXPRESSION, []), PICKLESCAN + "GHSA-r8g5-cgf2-4m4m"),
    Gadget("numpy.f2py.crackfortran:_eval_length", (EXPRESSION, {}), PICKLESCAN + "GHSA-r8g5-cgf2-4m4m"),
    Gadget(
        "numpy.testing._private.utils:runstring",
        (CODE, {}),
        "https://github.com/mmaitre314/picklescan/pull/40",
    ),
    Gadget("requests.api:get", (URL,), PICKLESCAN + "GHSA-hgrh-qx5j-jfwx"),
    Gadget("cloudpickle.cloudpickle:subimport", (MODULE,), PICKLESCAN + "GHSA-m7j5-r2p5-c39r"),
    Gadget("torch.serialization:load", (PATH,), "https://github.com/mmaitre314/picklescan/pull/40"),
    Gadget(
        "torch._inductor.codecache:compile_file",
        ("", "", SHELL),
        "https://github.com/mmaitre314/picklescan/pull/40",
    ),
)

OTHERS: tuple[Gadget, ...] = table(
    (
        ("torch:load", (PATH,)),
        ("torch.storage:_load_from_bytes", (STREAM,)),
        ("torch.hub:load", ("someone/something", "x")),
        ("torch.hub:download_url_to_file", (URL, PATH)),
        ("torch.jit:load", (PATH,)),
        ("torch.package:PackageImporter", (PATH,)),
        ("torch._ops:_Ops.load_library", ({}, PATH)),
        ("torch.utils.cpp_extension:load", ("x", [PATH])),
        ("torch.utils.cpp_extension:load_inline", ("x", [CODE])),
        ("torch.fx.graph_module:_forward_from_src", (CODE, {})),
        ("torch.fx.graph_module:_exec_with_source", (CODE, {})),
        ("torch.fx.graph_module:reduce_graph_module", ({"_code": CODE}, "")),
        ("torch.distributed.rpc.internal:_run_function", (STREAM,)),
        ("torch.distributed.elastic.multiprocessing:start_processes", ("x", "sh", {}, {}, PATH)),
        ("torch._inductor.codecache:PyCodeCache.load", (CODE,)),
        ("torch.testing._internal.common_utils:shell", (SHELL,)),
        ("numpy:load", (PATH, None, True)),
        ("numpy:memmap", (PATH, "uint8", "w+", 0, (8,))),
        ("numpy:fromfile", (PATH,)),
        ("numpy:savetxt", (PATH, [CODE])),
        ("numpy:genfromtxt", (URL,)),
        ("numpy.lib._datasource:open", (URL,)),
        ("numpy.ctypeslib:load_library", (PATH, "/")),
        ("numpy.distutils.exec_command:exec_command", (COMMAND,)),
        ("numpy.distutils.misc_util:exec_mod_from_location", ("x", PATH)),
        ("numpy.distutils.cpuinfo:getoutput", (COMMAND,)),
        ("numpy.f2py:compile", (CODE,)),
        ("numpy.f2py.crackfortran:param_eval", (EXPRESSION, {}, {})),
        ("numpy.f2py.diagnose:run_command", (COMMAND,)),
        ("numpy.testing:measure", (CODE,)),
        ("numpy.testing._private.utils:rundocs", (PATH,)),
        ("pandas:eval", (EXPRESSION,)),
        ("pandas:read_pickle", (URL,)),
        ("pandas:read_csv", (URL,)),
        ("pandas.core.computation.eval:eval", (EXPRESSION,)),
        ("pandas.compat.pickle_compat:loads", (STREAM,)),
        ("pandas.io.pickle:read_pickle", (PATH,)),
        ("pandas.io.common:urlopen", (URL,)),
        ("pandas.io.sql:execute", (CODE, PATH)),
        ("joblib:load", (PATH,)),
        ("joblib.numpy_pickle:load", (PATH,)),
        ("joblib.externals.cloudpickle:loads", (STREAM,)),
        ("joblib.memory:Memory", (PATH,)),
        ("sklearn.externals.joblib:load", (PATH,)),
        ("sklearn.datasets:fetch_openml", ("x",)),
        ("scipy.io:loadmat", (PATH,)),
        ("scipy.weave:inline", (CODE,)),
        ("scipy._lib._ccallback:LowLevelCallable.from_cython", (MODULE, "x")),
        ("cloudpickle:loads", (STREAM,)),
        ("dill:loads", (STREAM,)),
        ("dill._dill:_import_module", ("os.system",)),
        ("dill._dill:_create_function", (b"c", {})),
        ("tensorflow:load_library", (PATH,)),
        ("tensorflow.python.framework.load_library:load_op_library", (PATH,)),
        ("tensorflow.python.ops.script_ops:py_func", (None, [], "x")),
        ("tensorflow.python.lib.io.file_io:write_string_to_file", (PATH, CODE)),
        ("keras.models:load_model", (PATH,)),
        ("keras.utils:get_file", ("x", URL)),
        ("keras.src.utils.python_utils:func_load", ("4wAAAAA=",)),
        ("transformers.dynamic_module_utils:get_class_from_dynamic_module", ("x.Y", "someone/something")),
        ("huggingface_hub:snapshot_download", ("someone/something",)),
        ("sympy:sympify", (EXPRESSION,)),
        ("sympy.parsing.sympy_parser:parse_expr", (EXPRESSION,)),
        ("sympy.utilities.lambdify:lambdify", ([], EXPRESSION)),
        ("numexpr:evaluate", (EXPRESSION,)),
        ("patsy:dmatrix", (EXPRESSION,)),
        ("patsy.eval:EvalEnvironment.eval", ({}, EXPRESSION)),
        ("statsmodels.iolib.smpickle:load_pickle", (PATH,)),
        ("mlflow.pyfunc:load_model", (URL,)),
        ("mlflow.projects:run", (URL,)),
        ("nltk.data:load", (PATH, "pickle")),
        ("IPython.utils.process:system", (COMMAND,)),
        ("networkx.readwrite.gpickle:read_gpickle", (PATH,)),
        ("gensim.utils:unpickle", (PATH,)),
        ("yaml:unsafe_load", ("!!python/object/apply:os.system [echo]",)),
        ("jsonpickle:decode", ('{"py/repr": "os/os.system"}',)),
        ("pkg_resources:run_script", ("x", "y")),
        ("fsspec:open", (URL, "w")),
        ("cffi:FFI.dlopen", ({}, PATH)),
        ("llvmlite.binding:load_library_permanently", (PATH,)),
        ("spacy.cli.download:run_command", (COMMAND,)),
        ("onnxruntime:InferenceSession", (PATH,)),
        ("setuptools.command.easy_install:main", ([URL],)),
    ),
    HIDE_AND_SEEK,
)
ALWAYS = 45


def samples(vary: Variation) -> Iterator[Sample]:
    """The published ones, others of the same capability, and harmless names that are handed code."""
    yield from as_samples(PUBLISHED, FAMILY, vary)
    yield from as_samples(vary.some(OTHERS, ALWAYS), FAMILY, vary)
    for technique, value in _harmless_names(vary):
        yield Sample(
            name="model.pkl",
            data=vary.pickled(value, 4),
            family=FAMILY,
            technique=technique,
            source=MODELSCAN,
        )


def _harmless_names(vary: Variation) -> Iterator[tuple[str, object]]:
    """Names that models do have, called with, or given as state, what they never get."""
    system = Global("os", "system")
    command = vary.command()
    yield "numpy.vectorize around os.system", Call(Call(Global("numpy", "vectorize"), (system,)), (command,))
    yield (
        "numpy.apply_along_axis with os.system",
        Call(Global("numpy", "apply_along_axis"), (system, 0, [command])),
    )
    yield (
        "FunctionTransformer with os.system as its function",
        Call(Global("sklearn.preprocessing._function_transformer", "FunctionTransformer"), (system,)),
    )
    yield (
        "collections.defaultdict with os.getcwd as its factory",
        Call(Global("collections", "defaultdict"), (Global("os", vary.pick(("abort", "fork", "getcwd"))),)),
    )
