"""A service that tells everybody every key it gets: none of them comes out of the scan, in any spelling."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mlsecops.bounds import spellings
from support import services
from support.command import COMMAND

PASSWORD = 'hunter/2 & "more" <stuff>'
# Tells what it knows in its log, its errors, its headers and its answers; and writes it down for the test.
TALKING = """
import secrets
import traceback
from urllib.parse import quote

TOKEN = secrets.token_hex(20)
KNOWN = [os.environ["PASSWORD"], os.environ["KEY"], TOKEN]
with open(os.environ["RECORD"], "w") as record:
    json.dump(KNOWN, record)
asked = 0


def talk(self):
    global asked
    asked += 1
    print("INFO keys", KNOWN, quote(repr(KNOWN)), dict(self.headers), file=sys.stderr, flush=True)
    if self.path == "/login":
        given = self.body()
        self.respond(200 if given == os.environ["PASSWORD"] else 401, TOKEN)
    elif self.path == "/health":
        self.respond(200, "well", **{"X-Seen": " ".join(map(quote, KNOWN))})
    elif self.headers.get("Authorization") != "Bearer " + TOKEN:
        self.respond(401, ["wrong", KNOWN])
    else:
        if asked > int(os.environ["LIFE"]):
            print("fatal error: no", KNOWN, flush=True)
            os._exit(3)
        try:
            body = self.body() if self.command == "POST" else {"values": [1.0]}
            self.respond(200, [sum(body["values"]), KNOWN])
        except Exception:
            name = "sklearn.Error /srv/models/" + quote(KNOWN[0]) + ".pkl "
            self.respond(500, name + traceback.format_exc() + repr(KNOWN))


Handler.do_GET = Handler.do_POST = talk
"""
LOGIN = """import json
import os
import sys
import urllib.request

print("logging in with", os.environ["PASSWORD"], file=sys.stderr)
request = urllib.request.Request(sys.argv[1] + "/login", json.dumps(os.environ["PASSWORD"]).encode())
print("Authorization: Bearer " + json.load(urllib.request.urlopen(request)))
{end}
"""
# With a query parameter, so that every engine has something to attack.
DOCUMENT = f"""{services.DOCUMENT}
  /find:
    get:
      parameters: [{{name: text, in: query, required: true, schema: {{type: string}}, example: load}}]
      responses: {{"200": {{description: found}}}}
"""
POLICY = """version: 1
dast:
  start: [python, service.py]
  health: /health
  env: {PASSWORD: "${THE_PASSWORD}", KEY: "{key}", RECORD: "{record}", LIFE: "{life}"}
  auth:
    login: [python, login.py, "{url}"]
"""


def scanned(folder: Path, life: int, end: str = "") -> tuple[list[str], list[dict[str, Any]], str]:
    """What the service knew, the properties of each run, and all that came out of the scan."""
    root = services.make(folder / "p", TALKING, DOCUMENT)
    (root / "login.py").write_text(LOGIN.replace("{end}", end), encoding="utf-8")
    (root / ".github").mkdir()
    out = folder / "out"
    command = [*COMMAND, "run", str(root), "--stage", "dast", "--out", str(out)]
    environment = {**os.environ, "THE_PASSWORD": PASSWORD}
    # Of what outlives the scan, a service may write to shared memory only.
    with TemporaryDirectory(dir="/dev/shm") as shared:
        record = Path(shared, "record.json")
        policy = POLICY.replace("{record}", str(record)).replace("{life}", str(life))
        (root / ".github" / "mlsecops.yml").write_text(policy, encoding="utf-8")
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=300, env=environment
        )
        known = json.loads(record.read_text(encoding="utf-8"))
    written = [path.read_text("utf-8", "replace") for path in out.rglob("*") if path.is_file()]
    log = json.loads((out / "stages" / "dast.sarif").read_text(encoding="utf-8"))
    own = [run["properties"]["mlsecops"] for run in log["runs"]]
    return known, own, "\n".join([done.stdout, done.stderr, *written])


def told(known: list[str], said: str) -> list[str]:
    """What came out that must not, as a person reads it or as JSON holds it."""
    return [each for each in spellings(known) if each in said or json.dumps(each)[1:-1] in said]


@pytest.mark.parametrize("life", [10**6, 40], ids=["talks", "dies"])
def test_no_key_comes_out_of_a_service_that_tells_them(life: int, tmp_path: Path) -> None:
    known, own, said = scanned(tmp_path, life)
    assert PASSWORD in known
    assert told(known, said) == []
    assert "***" in said
    assert "Traceback" not in "".join(each["reason"] for each in own)
    if life == 40:
        assert any("ended with exit code 3: fatal error: no" in each["reason"] for each in own)
    else:
        assert {each["status"] for each in own} <= {"passed", "findings"}, [each["reason"] for each in own]


def test_a_login_that_fails_is_told_without_what_it_printed(tmp_path: Path) -> None:
    known, own, said = scanned(tmp_path, 10**6, "sys.exit('no such user: ' + os.environ['PASSWORD'])")
    assert told(known, said) == []
    assert "no such user" not in said
    for each in own:
        assert each["status"] == "incomplete"
        assert "the policy's login command did not work: it ended with exit code 1" in each["reason"]
