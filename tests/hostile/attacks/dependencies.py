"""Dependencies that run code when they are read, or are to be overlooked. Nothing here reaches an index."""

from __future__ import annotations

from hostile.attacks.attack import Attack, Files
from mlsecops.verdict import Word

TOOLS = ("pip-audit", "cyclonedx-bom")
TRACE = "import pathlib\npathlib.Path(__file__).with_name('taken').write_text('x')\n"


def _manifest(tries: str, files: Files, says: str = "", sees: str = "") -> Attack:
    word: Word = "blocked" if sees else "incomplete"
    return Attack(tries=tries, stage="sca", tools=TOOLS, files=files, word=word, says=says, sees=sees)


ATTACKS = {
    "setup-that-runs": _manifest(
        "runs code when it is asked what it needs",
        {"setup.py": f"{TRACE}from setuptools import setup\nsetup(install_requires=['never-seen==1'])\n"},
    ),
    "index-of-its-own": _manifest(
        "names an index of its own",
        {"requirements.txt": "--index-url http://127.0.0.1:9/simple\nsix\n"},
        sees="dependency-index",
    ),
    "source-of-its-own": _manifest(
        "names an address of its own",
        {"requirements.txt": "six @ http://127.0.0.1:9/six-1.16.0.tar.gz\n"},
        sees="dependency-not-auditable",
    ),
    "git-source": _manifest(
        "names a repository",
        {"requirements.txt": "evil @ git+file:///nowhere/evil@main\n"},
        sees="dependency-not-auditable",
    ),
    "file-outside": _manifest(
        "includes a file outside", {"requirements.txt": "-r ../../etc/passwd\n"}, "requirements.txt"
    ),
    "endless-include": _manifest(
        "includes itself", {"requirements.txt": "-r requirements.txt\nnever-seen-pkg\n"}
    ),
    "option-injection": _manifest(
        "passes options to the tools",
        {"requirements.txt": "--extra-index-url=http://127.0.0.1:9/ --pre\nsix\n"},
        sees="dependency-index",
    ),
    "broken-lock": _manifest("is half a lock", {"uv.lock": "version = 1\n[[package]]\nname = "}, "uv.lock"),
}
