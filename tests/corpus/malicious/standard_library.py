"""Calls of the standard library that run, import, write, fetch or unpickle something."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.gadgets import Argument, Gadget, as_samples, table
from corpus.sample import Sample, Variation

FAMILY = "standard library gadgets"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/security/advisories/"
FICKLING = "https://github.com/trailofbits/fickling/security/advisories/"
HIDE_AND_SEEK = "https://arxiv.org/abs/2508.19774"
PICKLEBALL = "https://arxiv.org/abs/2508.15987"
COMMAND, SHELL, CODE = Argument.COMMAND, Argument.SHELL, Argument.CODE
EXPRESSION, PATH, URL = Argument.EXPRESSION, Argument.PATH, Argument.URL
STREAM, MODULE, HOST = Argument.STREAM, Argument.MODULE, Argument.HOST

PUBLISHED: tuple[Gadget, ...] = (
    Gadget("pydoc:pipepager", ("", COMMAND), PICKLESCAN + "GHSA-655q-fx9r-782v"),
    Gadget("pydoc:locate", ("os.system",), PICKLESCAN + "GHSA-84r2-jw7c-4r5q"),
    Gadget("timeit:timeit", ("", CODE), PICKLESCAN + "GHSA-v7x6-rv5q-mhwc"),
    Gadget("trace:Trace.run", ({}, CODE), PICKLESCAN + "GHSA-5qwp-399c-mjwf"),
    Gadget("trace:Trace.runctx", ({}, CODE, {}, {}), PICKLESCAN + "GHSA-g344-hcph-8vgg"),
    Gadget("profile:Profile.run", ({}, CODE), PICKLESCAN + "GHSA-x696-vm39-cp64"),
    Gadget("profile:Profile.runctx", ({}, CODE, {}, {}), PICKLESCAN + "GHSA-6vqj-c2q5-j97w"),
    Gadget("profile:run", (CODE,), PICKLESCAN + "GHSA-7wx9-6375-f5wh"),
    Gadget("cProfile:run", (CODE,), PICKLESCAN + "GHSA-49gj-c84q-6qm9"),
    Gadget("cProfile:runctx", (CODE, None, None), PICKLESCAN + "GHSA-9w88-8rmg-7g2p"),
    Gadget("lib2to3.pgen2.grammar:Grammar.loads", ({}, STREAM), PICKLESCAN + "GHSA-f54q-57x4-jg88"),
    Gadget(
        "lib2to3.pgen2.pgen:ParserGenerator.make_label",
        (None, {}, EXPRESSION),
        PICKLESCAN + "GHSA-p9w7-82w4-7q8m",
    ),
    Gadget("idlelib.debugobj:ObjectTreeItem.SetText", ({}, EXPRESSION), PICKLESCAN + "GHSA-3vg9-h568-4w9m"),
    Gadget(
        "idlelib.autocomplete:AutoComplete.get_entity", ({}, EXPRESSION), PICKLESCAN + "GHSA-6w4w-5w54-rjvr"
    ),
    Gadget(
        "idlelib.autocomplete:AutoComplete.fetch_completions",
        ({}, EXPRESSION, 1),
        PICKLESCAN + "GHSA-7cq8-mj8x-j263",
    ),
    Gadget("code:InteractiveInterpreter.runcode", ({}, CODE), PICKLESCAN + "GHSA-cj3c-v495-4xqh"),
    Gadget("idlelib.calltip:Calltip.fetch_tip", ({}, EXPRESSION), PICKLESCAN + "GHSA-8r4j-24qv-fmq9"),
    Gadget("idlelib.calltip:get_entity", (EXPRESSION,), PICKLESCAN + "GHSA-9xph-j2h6-g47v"),
    Gadget("ensurepip:_run_pip", (["install", URL],), PICKLESCAN + "GHSA-xp4f-hrf8-rxw7"),
    Gadget("pkgutil:resolve_name", ("os:system",), PICKLESCAN + "GHSA-vvpj-8cmc-gx39"),
    Gadget("idlelib.run:Executive.runcode", ({}, CODE), PICKLESCAN + "GHSA-m869-42cg-3xwr"),
    Gadget("idlelib.pyshell:ModifiedInterpreter.runcommand", ({}, CODE), PICKLESCAN + "GHSA-j343-8v2j-ff7w"),
    Gadget("idlelib.pyshell:ModifiedInterpreter.runcode", ({}, CODE), PICKLESCAN + "GHSA-3gf5-cxq9-w223"),
    Gadget("doctest:debug_script", (CODE, True), PICKLESCAN + "GHSA-fqq6-7vqf-w3fg"),
    Gadget(
        "asyncio.unix_events:_UnixSubprocessTransport._start",
        ({}, COMMAND, True, None, None, None, 0),
        PICKLESCAN + "GHSA-q77w-mwjj-7mqx",
    ),
    Gadget("distutils.file_util:write_file", (PATH, [CODE]), PICKLESCAN + "GHSA-m273-6v24-x4m4"),
    Gadget("ctypes:CDLL", (PATH,), PICKLESCAN + "GHSA-4675-36f9-wf6r"),
    Gadget("pty:spawn", (SHELL,), PICKLESCAN + "GHSA-vqmv-47xg-9wpr"),
    Gadget("uuid:_get_command_stdout", ("sh", "-c", COMMAND), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("_osx_support:_read_output", (COMMAND,), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("_aix_support:_read_cmd_output", (COMMAND,), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("imaplib:IMAP4_stream", (COMMAND,), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("_pyrepl.pager:pipe_pager", ("", COMMAND), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("test.support.script_helper:assert_python_ok", ("-c", CODE), PICKLESCAN + "GHSA-g38g-8gr9-h9xp"),
    Gadget("logging:FileHandler", (PATH,), PICKLESCAN + "GHSA-m273-6v24-x4m4"),
    Gadget("_io:FileIO", (PATH, "w"), PICKLESCAN + "GHSA-m273-6v24-x4m4"),
    Gadget("urllib.request:urlopen", (URL,), PICKLESCAN + "GHSA-hgrh-qx5j-jfwx"),
    Gadget("ssl:get_server_certificate", ((HOST, 443),), "https://github.com/mmaitre314/picklescan/pull/40"),
    Gadget(
        "venv:create",
        (PATH, False, False, True, False, COMMAND),
        "https://github.com/mmaitre314/picklescan/pull/40",
    ),
    Gadget("pip:main", (["install", URL],), "CVE-2025-1716"),
    Gadget("marshal:loads", (b"\xe3\x00\x00\x00\x00",), FICKLING + "GHSA-565g-hwwr-4pp3"),
    Gadget("runpy:run_path", (PATH,), FICKLING + "GHSA-wfq2-52f7-7qvj"),
    Gadget("importlib:import_module", (MODULE,), FICKLING + "GHSA-q5qq-mvfm-j35x"),
    Gadget(
        "multiprocessing.util:spawnv_passfds",
        (b"/bin/sh", [b"-c", b"echo"], ()),
        FICKLING + "GHSA-q5qq-mvfm-j35x",
    ),
    Gadget("smtplib:SMTP", (HOST,), FICKLING + "GHSA-mxhj-88fx-4pcv"),
    Gadget("pathlib:os.system", (COMMAND,), FICKLING + "GHSA-5j3x-jp52-966f"),
    Gadget(
        "_posixsubprocess:fork_exec",
        ([b"/bin/echo"], [b"/bin/echo"], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, False, False),
        FICKLING + "GHSA-m6fh-58r7-x697",
    ),
    Gadget("site:addsitedir", (PATH,), FICKLING + "GHSA-m6fh-58r7-x697"),
)

OTHERS: tuple[Gadget, ...] = table(
    (
        ("bdb:Bdb.run", ({}, CODE)),
        ("bdb:Bdb.runeval", ({}, EXPRESSION)),
        ("pdb:run", (CODE,)),
        ("pdb:runeval", (EXPRESSION,)),
        ("timeit:repeat", (CODE,)),
        ("timeit:main", (["-n", "1", CODE],)),
        ("runpy:_run_code", (CODE, {})),
        ("runpy:run_module", (MODULE,)),
        ("code:interact", (CODE,)),
        ("code:InteractiveInterpreter.runsource", ({}, CODE)),
        ("builtins:compile", (CODE, "x", "exec")),
        ("builtins:open", (PATH, "w")),
        ("builtins:__import__", (MODULE,)),
        ("builtins:breakpoint", ()),
        ("io:open", (PATH, "w")),
        ("codecs:open", (PATH, "w")),
        ("shutil:rmtree", (PATH,)),
        ("shutil:copyfile", (PATH, PATH)),
        ("os:remove", (PATH,)),
        ("os:putenv", ("LD_PRELOAD", PATH)),
        ("pathlib:Path.write_text", ({}, CODE)),
        ("tempfile:NamedTemporaryFile", ("w", -1)),
        ("zipimport:zipimporter", (PATH,)),
        ("imp:load_source", ("x", PATH)),
        ("importlib._bootstrap_external:SourceFileLoader", ("x", PATH)),
        ("importlib.util:spec_from_file_location", ("x", PATH)),
        ("ctypes:cdll.LoadLibrary", (PATH,)),
        ("socket:create_connection", ((HOST, 80),)),
        ("http.client:HTTPSConnection", (HOST,)),
        ("ftplib:FTP", (HOST,)),
        ("telnetlib:Telnet", (HOST,)),
        ("xmlrpc.client:ServerProxy", (URL,)),
        ("webbrowser:open", (URL,)),
        ("webbrowser:GenericBrowser", ("sh",)),
        ("antigravity:webbrowser.open", (URL,)),
        ("subprocess:getstatusoutput", (COMMAND,)),
        ("commands:getoutput", (COMMAND,)),
        ("popen2:popen3", (COMMAND,)),
        ("asyncio:create_subprocess_shell", (COMMAND,)),
        ("asyncio.base_events:BaseEventLoop.subprocess_shell", ({}, None, COMMAND)),
        ("sys:exit", (1,)),
        ("distutils.spawn:spawn", (SHELL,)),
        ("distutils.core:run_setup", (PATH,)),
        ("setuptools.sandbox:run_setup", (PATH, [])),
        ("doctest:run_docstring_examples", (CODE, {})),
        ("unittest.mock:_importer", ("os.system",)),
        ("dataclasses:_create_fn", ("f", [], [CODE])),
        ("logging.config:fileConfig", (PATH,)),
        ("logging.config:listen", (9030,)),
        (
            "logging.config:dictConfig",
            ({"version": 1, "formatters": {"x": {"()": "os.system", "command": COMMAND}}},),
        ),
        ("shelve:open", (PATH,)),
        ("dbm:open", (PATH,)),
        ("sqlite3:connect", (PATH,)),
        ("pickle:loads", (STREAM,)),
        ("_pickle:loads", (STREAM,)),
        ("multiprocessing.reduction:ForkingPickler.loads", (STREAM,)),
        ("xml.sax:parse", (URL,)),
        ("rlcompleter:Completer.attr_matches", ({}, EXPRESSION)),
        ("compileall:compile_file", (PATH,)),
        ("py_compile:compile", (PATH,)),
        ("ensurepip:bootstrap", ()),
        ("types:FunctionType", (None, {})),
        ("linecache:updatecache", (PATH,)),
        ("fileinput:input", (PATH,)),
    ),
    HIDE_AND_SEEK,
)
ALWAYS = 40


def samples(vary: Variation) -> Iterator[Sample]:
    """All that have an advisory, and others with the same capability: which ones is the seed's choice."""
    yield from as_samples(PUBLISHED, FAMILY, vary)
    yield from as_samples(vary.some(OTHERS, ALWAYS), FAMILY, vary)
