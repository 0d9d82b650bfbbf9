"""What is dangerous by what it can do: modules of Python and of others, and words in names of functions.

Sources of techniques: the advisories of picklescan, fickling and modelscan, and https://arxiv.org/abs/2508.19774.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Ability = Literal[
    "process", "code", "import", "native", "load", "file", "network", "inside", "later", "process-end", "rule"
]


@dataclass(frozen=True, slots=True)
class Does:
    """What a call would do, as it stands in `Loading this file ...`, and how bad that is."""

    what: str
    severity: float


ABILITIES: Mapping[str, Does] = {
    "process": Does("runs a program or shell command", 9.8),
    "code": Does("runs Python code that the file brings along", 9.8),
    "import": Does("imports and runs a Python module that the file names", 9.2),
    "native": Does("loads native code or writes to memory directly", 9.8),
    "load": Does("unpickles further data, which may run anything", 9.2),
    "file": Does("reads, writes or deletes files", 8.6),
    "network": Does("opens a network connection", 8.6),
    "inside": Does("reaches into Python's own machinery", 8.8),
    "later": Does("arranges for a call to be made later", 8.6),
    "process-end": Does("changes or ends the process that loads it", 8.2),
}
_MODULES: Mapping[str, str] = {
    "process": """
        os posix nt os2 ce subprocess _posixsubprocess _winapi _subprocess pty tty commands popen2 pipes
        multiprocessing _multiprocessing concurrent asyncio _asyncio signal platform.popen
        platform._syscmd_file platform._syscmd_ver _osx_support _aix_support _bootsubprocess
        uuid._get_command_stdout uuid._ifconfig_getter imaplib.IMAP4_stream _pyrepl test.support sysconfig
        webbrowser antigravity ctypes.util distutils.spawn pip ensurepip venv setuptools pkg_resources
        easy_install virtualenv _distutils_hack pexpect ptyprocess sh plumbum fabric invoke paramiko psutil
        gevent billiard execnet celery win32api win32com win32process IPython.utils.process IPython.utils.io
        IPython.core.magics mlflow.projects numpy.distutils sklearn._build_utils torch.utils.collect_env
        torch.distributed.elastic torch.distributed.run torch.distributed.launch torch.multiprocessing
        torch.testing._internal spacy.cli ray joblib.externals.loky.process_executor anyio.run_process
        anyio.open_process trio.run_process git docker kubernetes pytest _pytest nose tox coverage ipykernel
        notebook nbconvert papermill click.edit click.launch click.termui click._termui_impl typer ffmpeg
        moviepy imageio_ffmpeg supervisor ansible salt watchdog.tricks selenium playwright pyautogui pynput
        jpype oct2py matlab cookiecutter conda wheel distlib streamlit gradio chainlit nltk.internals
        nltk.app deepspeed.launcher accelerate.commands transformers.commands huggingface_hub.commands
        vllm.entrypoints kaleido PIL.ImageShow PIL.EpsImagePlugin PIL.ImageGrab matplotlib.texmanager
        matplotlib.animation gensim.models.wrappers pydub schedule apscheduler prefect airflow comtypes objc
        AppKit java pyspark.java_gateway h2o.init fastcore.xtras dvc networkx.drawing.nx_agraph
        tensorflow.python.tools tensorflow.python.debug tqdm.utils transformers.onnx
        pandas._config.localization pandas._version
    """,
    "code": """
        code codeop bdb pdb cProfile profile trace timeit doctest unittest runpy idlelib lib2to3 compileall
        py_compile rlcompleter cmd pydoc compiler parser symtable dataclasses._create_fn typing._eval_type
        typing.ForwardRef annotationlib collections._namedtuple string._string test cgitb _interpreters
        _xxsubinterpreters interpreters _xxinterpchannels opcode turtledemo builtins.eval builtins.exec
        builtins.compile builtins.execfile builtins.breakpoint builtins.input types.FunctionType
        types.CodeType types.LambdaType types.coroutine distutils numpy.f2py numpy.testing scipy.weave
        pandas.core.computation pandas.eval torch._dynamo torch._inductor torch.fx
        torch.jit.unsupported_tensor_ops torch.utils.bottleneck torch.fx.experimental
        torch.utils.cpp_extension torch.package torch._numpy torch.distributed.rpc IPython numexpr asteval
        RestrictedPython jinja2 mako cheetah numba.core.serialize Cython cppyy patsy.eval.EvalEnvironment
        patsy.highlevel formulaic tensorflow.python.ops.script_ops tensorflow.py_function
        tensorflow.numpy_function tensorflow.py_func sympy.sympify sympy.parsing sympy.core.sympify
        sympy.utilities.lambdify sympy.utilities.autowrap sympy.utilities.codegen sympy.printing.preview
        sympy.external django.template tornado.template numba.pycc pycuda pyopencl cupy.RawModule
        cupy.RawKernel cupy.cuda.function py_mini_racer quickjs lupa js2py execjs pyduktape wasmtime rpy2
        attr._make._compile_and_eval
        fastcore.basics decorator.FunctionMaker boltons.funcutils pyximport triton.runtime
        triton.common triton.compile hyperpyyaml pybind11 simpleeval tpot.operator_utils
        langchain_experimental pythran transonic weave theano.function tensorflow.keras.layers.Lambda
        tensorflow.python.keras.utils.generic_utils keras.src.utils.module_utils pystan cmdstanpy autopep8
        rope pylint flake8
    """,
    "import": """
        importlib _imp imp zipimport pkgutil zipapp modulefinder _frozen_importlib
        _frozen_importlib_external builtins.__import__ builtins.reload site sitecustomize usercustomize knee
        ihooks imputil unittest.mock transformers.dynamic_module_utils dill._dill._import_module pluggy
        stevedore importlib_metadata importlib_resources lazy_loader lazy_object_proxy wrapt.importer hydra
        scrapy gin paste past.translation zope.dottedname apscheduler.util distlib.util fire absl.app
    """,
    "native": """
        ctypes _ctypes cffi _cffi_backend mmap numpy.ctypeslib llvmlite gdb _testcapi _testinternalcapi
        pycparser lightgbm.compat lightgbm.Booster lightgbm.basic.Booster xgboost.Booster
        xgboost.core.Booster
    """,
    "load": """
        pickle _pickle cPickle marshal shelve copyreg.pickle cloudpickle dill jsonpickle klepto pandas.io
        pandas.compat.pickle_compat pandas.read_pickle joblib.externals.cloudpickle joblib.load torch.load
        torch.hub torch.serialization torch.jit torch.utils.model_zoo numpy.load keras.models.load_model
        onnxruntime keras.src.utils.python_utils keras.src.saving tensorflow.keras.models
        tensorflow.saved_model yaml ruamel mlflow statsmodels.iolib.smpickle _xxsubinterpreters.run_string
        xmlrpc.client.loads sqlalchemy.ext.serializer kombu.serialization zodbpickle ZODB shove diskcache
        sqlitedict bentoml srsly networkx.read_gpickle networkx.readwrite.gpickle
        fastai.learner.load_learner theano.misc.pkl_utils kedro.io pycaret.internal.persistence
        transformers.utils.import_utils transformers.models.auto.auto_factory
    """,
    "file": """
        io.open io.open_code io.FileIO io.TextIOWrapper _io.open _io.FileIO _io.open_code _io.TextIOWrapper
        builtins.open builtins.file codecs.open shutil tempfile fileinput glob fcntl filecmp linecache
        tokenize.open zipfile tarfile gzip bz2 lzma zlib.open dbm gdbm sqlite3 _sqlite3 dbhash anydbm
        whichdb mailbox netrc csv logging.FileHandler logging.config logging.handlers logging.basicConfig
        plistlib wave aifc sunau genericpath posixfile cgi mailcap macpath distutils.file_util
        distutils.dir_util fsspec smart_open pyarrow.fs numpy.DataSource numpy.lib._datasource
        numpy.lib.npyio numpy.fromfile numpy.memmap numpy.core.memmap numpy._core.memmap numpy.save
        numpy.savez numpy.savetxt numpy.loadtxt numpy.genfromtxt scipy.io
        scipy.datasets tensorflow.io tensorflow.python.lib.io joblib.memory
        joblib.Memory joblib.dump joblib._store_backends joblib.pool joblib.logger joblib.disk skops.card
        statsmodels.iolib.openfile statsmodels.iolib.foreign statsmodels.iolib.table.csv2st
        sklearn.utils.validation.check_memory pandas.read_csv
        numpy.lib._npyio_impl _pyio h5py.File tables.open_file netCDF4.Dataset PIL.Image.open cv2.imread
        cv2.FileStorage imageio skimage.io soundfile librosa.load rasterio.open fiona openpyxl xlrd docx
        pypdf lxml.etree.parse py7zr rarfile patool llama_cpp tensorflow.python.platform
        tensorflow.data.TextLineDataset tensorflow.summary tensorboardX pyarrow.OSFile pyarrow.memory_map
        pyarrow.parquet pyarrow.csv pyarrow.feather upath matplotlib.font_manager.json_load
        matplotlib.rc_file universal_pathlib pyminizip emcee.backends optuna.storages
    """,
    "network": """
        socket _socket ssl _ssl http httplib urllib urllib2 urllib3 ftplib smtplib smtpd telnetlib poplib
        imaplib nntplib xmlrpc xmlrpclib socketserver SocketServer asyncore asynchat requests httpx aiohttp
        wsgiref cookielib selectors select boto3 botocore google.cloud azure huggingface_hub wget pycurl
        sklearn.datasets torch.hub keras.utils.get_file keras.src.utils.file_utils nltk.downloader
        sklearn.callback._transport twisted tornado websocket websockets zmq kafka redis pymongo psycopg2
        sqlalchemy xml.sax kaggle gdown pooch MySQLdb pymysql ldap3 s3fs gcsfs openai anthropic grpc keyring
        wandb comet_ml neptune clearml distributed dask.distributed tensorflow_hub tensorflow_datasets
        pandas_datareader yfinance gensim.downloader nltk.download datasets.load_dataset evaluate.load
        tensorflow.keras.utils.get_file tensorflow.distribute transformers.utils.hub tensorboard.program
        torchvision.datasets.utils torchaudio.utils zenml azureml pyspark.SparkContext transformers.pipeline
        sentence_transformers.SentenceTransformer
    """,
    "inside": """
        inspect gc dis _opcode builtins.vars builtins.globals builtins.locals builtins.dir
        builtins.setattr builtins.delattr builtins.memoryview builtins.classmethod builtins.property
        builtins.super weakref._remove_dead traceback tracemalloc ast _ast builtins.type.__subclasses__
        copyreg.add_extension copyreg.constructor copyreg.clear_extension_cache
    """,
    "later": """
        atexit threading _thread thread sched weakref.finalize queue.Queue contextlib.ExitStack
        codecs.register warnings.showwarning sys.settrace sys.setprofile
    """,
    "process-end": """
        sys faulthandler resource _signal builtins.exit builtins.quit builtins.print builtins.help
        _sitebuiltins
    """,
}


def _table() -> Iterator[tuple[str, str]]:
    for ability, text in _MODULES.items():
        for name in text.split():
            yield name, ability


_BY_NAME = dict(_table())
# Parts of such modules that are data.
_DATA = frozenset({"inspect.Signature", "inspect.Parameter", "inspect._empty", "inspect._ParameterKind"})
# A function so called does this, wherever it is. Words stand alone or follow each other: "run code".
_WORDS: Mapping[str, str] = {
    "process": """
        system popen spawn subprocess shell bash powershell command cmd getoutput getstatusoutput fork
        runcommand exec_command run_script check_output check_call execv execve execl startfile
    """,
    "code": """
        eval exec execute evaluate evaluates runcode run_code runstring run_string runsource runctx
        lambdify sympify parse_expr from_string compile inline run_module run_path eval_expr interpret
        exec_source rundocs run_function call_function apply_function
    """,
    "import": """
        import import_module load_module exec_module load_source locate resolve_name import_string
        load_object import_from import_class get_class dynamic_import subimport load_class import_object
    """,
    "native": """
        dlopen cdll load_library load_op_library loadlibrary load_library_permanently from_address
    """,
    "load": """
        unpickle loads deserialize pickle_load load_pickle read_pickle unsafe_load load_model from_pretrained
        torch_load joblib_load func_load full_load load_from_bytes marshal pickler unpickler
    """,
    "file": """
        open load read write save dump remove unlink rmtree delete mkdir rename copyfile copytree chmod
        memmap fromfile tofile savetxt loadtxt genfromtxt loadmat extractall extract makedirs make_dirs
        mkstemp mkdtemp temporary_file temporary_directory zip_file tar_file gzip_file file_io
    """,
    "network": """
        urlopen urlretrieve download fetch request requests upload connect post http url send curl wget
        socket listener
    """,
    "later": "thread timer executor pool parallel",
}
_STRONG = ("process", "code", "import", "native")


def _word_table() -> Iterator[tuple[tuple[str, ...], str]]:
    for ability, text in _WORDS.items():
        for word in text.split():
            yield tuple(word.split("_")), ability


_BY_WORDS = tuple(sorted(_word_table(), key=lambda each: -len(each[0])))


def by_name(name: str) -> str:
    """What a name can do by the longest beginning of it that is known, or ""."""
    if name in _DATA:
        return ""
    parts = name.replace("()", "").split(".")
    for count in range(len(parts), 0, -1):
        if ability := _BY_NAME.get(".".join(parts[:count])):
            return ability
    return ""


def by_words(words: tuple[str, ...], *, strong: bool) -> str:
    """What a function can do by the words of its name, or ""; only the plain cases with `strong`."""
    for known, ability in _BY_WORDS:
        if strong and ability not in _STRONG:
            continue
        if any(words[place : place + len(known)] == known for place in range(len(words))):
            return ability
    return ""
