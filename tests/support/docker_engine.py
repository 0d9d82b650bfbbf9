"""A Docker engine of the tests' own: its data, its socket and its network are gone afterwards."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock
from mlsecops.toolbox import cache_folder
from support.packages import EngineUnavailableError, install, program

SUITE = "trixie"
_START_SECONDS = 60.0
_BASE_SECONDS = 600.0
# Mounted for the engine alone; memory is written and emptied much faster than a disk.
_IN_MEMORY = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'
_MEMORY = 6 << 30
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_UPDATES = """Types: deb
URIs: {}
Suites: {}-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@dataclass(frozen=True)
class DockerEngine:
    """A running engine; `environ` makes a client use it."""

    socket: Path
    environ: Mapping[str, str]

    def docker(self, *arguments: str) -> str:
        """What a `docker` command prints."""
        done = subprocess.run(
            [program("docker"), *arguments],
            check=False,
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=_BASE_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def everything(self) -> dict[str, list[str]]:
        """All that it has: images with or without a tag, containers, networks, volumes."""
        return {
            kind: sorted(self.docker(*command, "--quiet").split())
            for kind, command in {
                "images": ("image", "ls", "--all"),
                "containers": ("ps", "--all"),
                "networks": ("network", "ls"),
                "volumes": ("volume", "ls"),
            }.items()
        }

    def leftovers(self) -> list[str]:
        """Tags and containers of mlsecops that are there now."""
        images = self.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        shown = "{{.ID}} {{.Image}} {{.Command}}"
        containers = self.docker("ps", "--all", "--no-trunc", "--format", shown).splitlines()
        return [each for each in images if "mlsecops" in each] + containers


@contextmanager
def running(folder: Path) -> Iterator[DockerEngine]:
    """An engine with all it has in a folder, or in memory. Raises EngineUnavailableError."""
    if os.geteuid() != 0:
        raise EngineUnavailableError("only root can start a Docker engine of its own")
    install({"dockerd": "docker.io", "ip": "iproute2"})
    install({"docker": "docker-cli"})  # a package of its own from Debian 13 on
    daemon = program("dockerd")
    program("docker")
    (folder / "data").mkdir(parents=True)
    bridge = f"mlsec{os.getpid()}"
    socket = folder / "docker.sock"
    log = folder / "log"
    with _bridge(bridge), log.open("wb") as output:
        process = subprocess.Popen(
            # It ends with the tests, also when they are killed.
            [program("setpriv"), "--pdeathsig", "TERM", *_in_memory(folder / "data"), daemon]
            + ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
            + ["--host", f"unix://{socket}", "--pidfile", str(folder / "pid"), "--bridge", bridge],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        engine = DockerEngine(socket, {"DOCKER_HOST": f"unix://{socket}", "MLSECOPS_ENGINE": "docker"})
        try:
            _wait(engine, process, log)
            yield engine
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _in_memory(folder: Path) -> list[str]:
    """What starts a command for which a folder is in memory, where there is enough."""
    if psutil.virtual_memory().available < 2 * _MEMORY:
        return []
    return [program("unshare"), "--mount", "--", "/bin/sh", "-c", _IN_MEMORY, str(_MEMORY), str(folder)]


def base_image() -> Path:
    """A tar of Debian with Python, made once from the distribution's archive and kept in the cache.

    Raises EngineUnavailableError where that cannot be had.
    """
    kept = cache_folder() / "tests" / f"debian-{SUITE}-with-updates.tar"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not kept.is_file():
            install({"debootstrap": "debootstrap"})
            _bootstrap(kept)
    return kept


def _bootstrap(kept: Path) -> None:
    root = kept.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    try:
        done = subprocess.run(
            [program("debootstrap"), "--variant=minbase"]
            + [
                "--include=python3,python3-venv,python3-pip,ca-certificates",
                SUITE,
                str(root),
                _mirror("/debian"),
            ],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BASE_SECONDS,
        )
        if done.returncode != 0:
            raise EngineUnavailableError(f"debootstrap failed: {done.stdout.strip().splitlines()[-1:]}")
        _as_published(root)
        draft = kept.with_suffix(".part")
        with tarfile.open(draft, "w") as archive:
            archive.add(root, arcname=".")
        draft.replace(kept)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _mirror(archive: str) -> str:
    """Where this machine takes an archive from. Raises EngineUnavailableError when from nowhere."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(asked, check=False, stdout=subprocess.PIPE, text=True, timeout=_START_SECONDS)
    places = [place.rstrip("/") for place in told.stdout.split()]
    if not (found := [place for place in places if place.endswith(archive)]):
        raise EngineUnavailableError(f"apt takes no packages from an archive called {archive}")
    return found[0]


def _as_published(root: Path) -> None:
    """What the official image of Python has, and the certificates by which this machine reaches an index."""
    source = root / "etc/apt/sources.list.d/debian.sources"
    source.write_text(_UPDATES.format(_mirror("/debian-security"), SUITE), encoding="utf-8")
    (root / "usr/bin/python").symlink_to("python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    for cached in root.glob("var/cache/apt/archives/*.deb"):
        cached.unlink()
    if _CERTIFICATES.is_file():
        shutil.copy(_CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")


def load_base(engine: DockerEngine, *tags: str) -> None:
    """Give the engine the base image under some tags."""
    first, *others = tags
    certificates = "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt"
    engine.docker("import", "--change", certificates, "--change", 'CMD ["bash"]', str(base_image()), first)
    for tag in others:
        engine.docker("tag", first, tag)


@contextmanager
def _bridge(name: str) -> Iterator[None]:
    """A network of its own: other engines on this machine keep theirs."""
    taken = subprocess.run(
        [program("ip"), "-4", "-o", "address"], check=True, capture_output=True, text=True
    ).stdout
    networks = ipaddress.ip_network("10.213.0.0/16").subnets(new_prefix=24)
    free = next(each for each in networks if str(each).rpartition(".")[0] + "." not in taken)
    ip = program("ip")
    for left in re.findall(r"\bmlsec(\d+)\b", taken):
        if not psutil.pid_exists(int(left)):
            subprocess.run([ip, "link", "delete", f"mlsec{left}"], check=False)
    subprocess.run([ip, "link", "add", "name", name, "type", "bridge"], check=True)
    try:
        subprocess.run([ip, "address", "add", f"{free[1]}/24", "dev", name], check=True)
        subprocess.run([ip, "link", "set", name, "up"], check=True)
        yield
    finally:
        subprocess.run([ip, "link", "delete", name], check=False)


def _wait(engine: DockerEngine, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if engine.socket.exists():
            try:
                engine.docker("version")
            except AssertionError:
                time.sleep(0.2)
                continue
            return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise EngineUnavailableError(f"the Docker engine does not start: {last}")
