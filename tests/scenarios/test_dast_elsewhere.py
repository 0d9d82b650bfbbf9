"""Nothing of the scan goes anywhere but to the service: seen on a link that counts what is sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlsecops.dast.serving import attacking
from support import services
from support.command import COMMAND

# A link with a default route: what leaves the machine, even a question for an address, is counted there.
LINK = """
ip link set lo up
ip link add sink type veth peer name far || exit 9
ip link set dev sink addrgenmode none && ip link set dev far addrgenmode none
ip addr add 192.0.2.2/24 dev sink && ip link set far up && ip link set sink up
ip route add default dev sink || exit 9
"$@"
echo "ended with $?"
grep sink: /proc/net/dev
"""
MACHINE = ("unshare", "--net", "--map-root-user", "sh", "-c", LINK, "sh")
SEND = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 9))"
ELSEWHERE = "http://198.51.100.7:8080"
DOCUMENT = (
    services.DOCUMENT.replace("http://elsewhere.example", f"{ELSEWHERE}/v1")
    + f"""
  /moved:
    servers:
      - url: {ELSEWHERE}
    get:
      parameters:
        - $ref: "{ELSEWHERE}/parameters.yaml#/one"
        - {{name: to, in: query, schema: {{type: string}}}}
      responses: {{"302": {{description: elsewhere}}}}
"""
)
# Answers below the path of its document's server, and sends whoever asks for /moved away.
MOVED = f"""
def moved(self):
    self.path = self.path.removeprefix("/v1")
    if self.path.partition("?")[0] == "/moved":
        self.respond(302, Location="{ELSEWHERE}/here")
    else:
        get(self)


def below(self):
    self.path = self.path.removeprefix("/v1")
    post(self)


get, post = Handler.do_GET, Handler.do_POST
Handler.do_GET, Handler.do_POST = moved, below
"""


def sent(done: subprocess.CompletedProcess[str]) -> int:
    """How many packets the link sent."""
    found = re.search(r"^ *sink:(.*)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return int(found[1].split()[9])


def on_the_machine(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a machine with a link; skips the test where none can be made."""
    try:
        done = subprocess.run([*MACHINE, *argv], check=False, capture_output=True, text=True, timeout=600)
    except OSError:
        pytest.skip("no network namespace can be made here")
    if done.returncode or "sink:" not in done.stdout:
        pytest.skip("no link can be made here")
    return done


def test_the_link_counts_what_is_sent() -> None:
    assert sent(on_the_machine(sys.executable, "-c", SEND)) > 0


@pytest.mark.parametrize("isolated", [True, False], ids=["namespace", "loopback"])
def test_redirects_and_addresses_of_the_document_are_not_followed(isolated: bool, tmp_path: Path) -> None:
    root = services.make(tmp_path / "p", MOVED, DOCUMENT)
    (root / ".github").mkdir()
    policy = "version: 1\ndast:\n  start: [python, service.py]\n"
    (root / ".github" / "mlsecops.yml").write_text(policy, encoding="utf-8")
    out = tmp_path / "out"
    # Where there is no unshare, loopback has to do.
    without = () if isolated else ("env", f"PATH={tmp_path}")
    command = (*COMMAND, "run", str(root), "--stage", "dast", "--out", str(out))
    done = on_the_machine(*without, *command)
    log: dict[str, Any] = json.loads((out / "stages" / "dast.sarif").read_text(encoding="utf-8"))
    own = [run["properties"]["mlsecops"] for run in log["runs"]]
    assert {each["status"] for each in own} <= {"passed", "findings"}, [each["reason"] for each in own]
    assert any("not fetched" in note for each in own for note in each["notes"])
    assert any("no network namespace" in note for each in own for note in each["notes"]) is not isolated
    assert sent(done) == 0


def test_the_service_itself_has_nowhere_to_go(tmp_path: Path) -> None:
    job = services.job(services.make(tmp_path / "p"), tmp_path)
    with job.context.shared, attacking(job) as served:
        if not served.target.prefix:
            pytest.skip("no network namespace can be made here")
        network = Path(f"/proc/{served.target.pid}/net")
        interfaces = [line.split(":")[0].strip() for line in (network / "dev").read_text().splitlines()[2:]]
        routes = (network / "route").read_text().splitlines()[1:]
        assert psutil.pid_exists(served.target.pid or 0)
    assert interfaces == ["lo"]
    assert routes == []
