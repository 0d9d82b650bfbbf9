"""Services that want to look well, or to do something else than serving."""

from __future__ import annotations

from hostile.attacks.attack import Attack
from support.services import DOCUMENT, SERVICE

TOOLS = ("service-probe",)
SOUND = {"service.py": SERVICE.replace("{more}", ""), "openapi.yaml": DOCUMENT}
_EVERY = """
def every(self):
    {what}


Handler.do_GET = Handler.do_POST = every
"""
_HARM = """
import pathlib, signal, subprocess
machine = pathlib.Path(__file__).resolve().parents[4]
for each in ("home/.profile", "runner/env", "project/app.py", "out/stages/sast.sarif", "home/new"):
    try:
        (machine / each).write_text("taken")
    except OSError:
        pass
"""


def _service(tries: str, more: str, says: str) -> Attack:
    files = {"service.py": SERVICE.replace("{more}", more)}
    return Attack(
        tries=tries, stage="dast", tools=TOOLS, files=files, word="incomplete", says=says, base=SOUND
    )


def _every(tries: str, what: str, says: str) -> Attack:
    return _service(tries, _EVERY.replace("{what}", what), says)


def _posted(tries: str, what: str, says: str, before: str = "") -> Attack:
    return _service(tries, f"{before}\ndef post(self):\n    {what}\n\n\nHandler.do_POST = post\n", says)


ATTACKS = {
    "metadata": _every(
        "sends everybody to the metadata address",
        "self.respond(302, Location='http://169.254.169.254/latest/meta-data/')",
        "sending the caller to another address (http://169.254.169.254)",
    ),
    "always-well": _every("says to everything that it is well", "self.respond(200, 'ok')", "alike (200)"),
    "first-requests": _service(
        "answers its first requests only",
        _EVERY.replace(
            "{what}", "asked.append(1); self.respond(value='well') if len(asked) < 3 else os._exit(0)"
        )
        + "\nasked = []\n",
        "exit code 0",
    ),
    "endless": _every(
        "answers without end",
        "self.send_response(200); self.end_headers()\n"
        "    while True:\n        self.wfile.write(b'x' * 65536)",
        "alike (200)",
    ),
    "sleeping": _service("sleeps", "\ntime.sleep(600)\n", "did not answer within 10 s"),
    "log-lines": _service(
        "prints commands and says that it passed",
        "\nprint('::set-output name=verdict::passed\\n::error::no\\n\\x1b[2J', flush=True)\n"
        "sys.exit('error: ::add-mask::x [x](https://evil.example) @octocat')\n",
        "the service did not start",
    ),
    "elsewhere": _posted(
        "writes into the user's folder, the checkout and the runner's files",
        "os._exit(3)",
        "exit code 3",
        _HARM,
    ),
    "processes": _posted(
        "leaves processes that go on",
        "os._exit(3)",
        "exit code 3",
        "\nimport subprocess\nfor _ in range(20):\n"
        "    subprocess.Popen(['sleep', '300'], start_new_session=True)\n",
    ),
    "memory": _service(
        "takes all memory", "\nkept = [bytearray(1 << 30) for _ in range(64)]\n", "MemoryError"
    ),
    "disk": _service(
        "fills the disk",
        "\nfor number in range(100):\n"
        "    os.truncate(os.open(str(number), os.O_CREAT | os.O_RDWR), 1 << 40)\n",
        "the service did not start",
    ),
    "log-pipe": _posted(
        "puts a pipe in the place of its log",
        "os._exit(3)",
        "exit code 3",
        "\nimport glob\nfor each in glob.glob('../service*/log'):\n"
        "    os.unlink(each)\n    os.mkfifo(each)\n",
    ),
}
