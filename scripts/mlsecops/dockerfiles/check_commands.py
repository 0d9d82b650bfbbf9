"""Checks of the commands that a build or the container runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import basename
from urllib.parse import urlsplit

from mlsecops.dockerfiles import rules
from mlsecops.dockerfiles.found import Found, Surroundings
from mlsecops.dockerfiles.instruction import Instruction
from mlsecops.dockerfiles.shell import SHELLS, Command, commands, scripts
from mlsecops.dockerfiles.syntax import Dockerfile

_FETCHERS = frozenset({"curl", "wget", "fetch", "aria2c"})
_FETCH_INSIDE = re.compile(r"(?:[$<]\(|`)\s*(?:curl|wget|fetch)\b")
_INTERPRETER = re.compile(r"(?:python|perl|ruby|node|php)[\d.]*|pwsh|iex")
# With these, an interpreter gets its program elsewhere and reads the download as data.
_READS_DATA = re.compile(r"-(?:[a-zA-Z]*[cenp]|m|r)")
_VERIFIED = re.compile(
    r"\b(?:sha\d+sum|shasum|md5sum|cosign|minisign|gpgv?|openssl\s+dgst|signify|b3sum|b2sum)\b|--require-hashes"
)
_LOCAL_HOST = re.compile(
    r"localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0|host\.docker\.internal|169\.254\.\d+\.\d+"
)
_METADATA = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.2\b|\[?fd00:ec2::254|metadata\.google\.internal|100\.100\.100\.200"
)
_HTTP = re.compile(r"(?<![\w+])http://([^\s\"'/:;&|)]+)[^\s\"';&|)]*")
_MODEL = re.compile(
    r".+\.(?:pkl|pickle|joblib|pt|pth|bin|ckpt|onnx|h5|hdf5|keras|pb|tflite|safetensors|gguf|npy|npz|model|sav|mar)"
)
_CURL_INSECURE = re.compile(r"--insecure|--proxy-insecure|-[fsSLgiIvOJjqRN#0-6]*k[fsSLgiIvOJjqRN#0-6]*")
_TLS_OFF = re.compile(
    r"\b(?:PYTHONHTTPSVERIFY=[\"']?0|NODE_TLS_REJECT_UNAUTHORIZED=[\"']?0|GIT_SSL_NO_VERIFY=[\"']?(?:1|true)"
    r"|CONDA_SSL_VERIFY=[\"']?(?:0|false)|PIP_TRUSTED_HOST=|UV_INSECURE_HOST=|HF_HUB_DISABLE_SSL_VERIFY=[\"']?1"
    r"|(?:REQUESTS|CURL)_CA_BUNDLE=(?:[\"']{2}|\s|$))"
    r"|\bhttp\.ssl[vV]erify[= ][\"']?(?:false|0)|\bssl_verify[ :=]+(?:false|no)\b|\bstrict-ssl[ =]+false\b"
    r"|\bStrictHostKeyChecking[= ]no\b|\bsslverify=(?:0|false)\b"
    r"|(?:^|\s)--(?:trusted-host|no-check-certificate)\b"
    r"|\bverify[-_]peer[\"']?[= ]+[\"']?false|\bAcquire::https::Verify-Peer[= ]+false",
    re.IGNORECASE,
)
_UNSIGNED = re.compile(
    r"(?:^|\s)--(?:allow-unauthenticated|force-yes|allow-untrusted|nogpgcheck|no-gpg-checks?|nosignature)\b"
    r"|\[[^\]\n]{0,200}\btrusted=yes\b|\bgpgcheck=0\b"
    r"|\bAllow(?:InsecureRepositories|Unauthenticated)[= ]+[\"']?true",
    re.IGNORECASE,
)
_PIP = re.compile(r"pip[\d.]*|uv|poetry|pdm|conda|mamba|micromamba")
_EXTRA_INDEX = re.compile(r"(?:^|\s)--extra-index-url\b|\bPIP_EXTRA_INDEX_URL=|\bglobal\.extra-index-url\b")
# Not with the sticky bit, as /tmp has it: there, nobody can remove the files of others.
_OPEN_MODE = re.compile(r"[0246]?[0-7]{2}[2367]|[ugo]*[ao][ugo]*\+[rwxX]*w[rwxX]*")
_HUB = frozenset({"huggingface-cli", "hf"})
_COMMIT = re.compile(r"[0-9a-f]{40}")


def check_commands(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """What RUN, CMD and ENTRYPOINT run, one after the other."""
    del around
    for instruction in dockerfile.instructions:
        if instruction.keyword in ("RUN", "CMD", "ENTRYPOINT"):
            run = [command for script in scripts(instruction) for command in commands(script)]
            verified = any(_VERIFIED.search(command.text) for command in run)
            yield from _piped(run)
            for command in run:
                yield from _one(command, verified)
            if not verified:
                yield from _downloaded_and_run(run)
            yield from _privileged(instruction, run)


def check_settings(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Found]:
    """Environment variables that switch checks off."""
    del around
    for instruction in dockerfile.instructions:
        if instruction.keyword in ("ENV", "ARG"):
            for name, value, line in instruction.pairs():
                setting = f"{name}={value or ''}"
                if value is not None and _TLS_OFF.search(setting):
                    yield Found(rules.TLS_OFF, f"{name} switches the check of certificates off.", line)
                if value and name in ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"):
                    yield Found(rules.EXTRA_INDEX, f"{name} adds a second package index.", line)
                if value and name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX") and _plain(value):
                    yield Found(rules.PLAIN_HTTP, f"{name} names a package index over plain HTTP.", line)


def _one(command: Command, verified: bool) -> Iterator[Found]:
    line, program = command.line, command.program
    if command.sudo:
        yield Found(rules.SUDO, "sudo is used.", line)
    if "NOPASSWD" in command.text:
        yield Found(rules.SUDO, "A user may become root without a password.", line, severity=6.5)
    insecure = program == "curl" and any(_CURL_INSECURE.fullmatch(word) for word in command.arguments)
    if insecure or _TLS_OFF.search(command.text):
        who = program if program in _FETCHERS or _PIP.fullmatch(program) else "A setting"
        yield Found(rules.TLS_OFF, f"{who} switches the check of certificates or host keys off.", line)
    if _UNSIGNED.search(command.text):
        yield Found(rules.UNSIGNED_PACKAGES, "Signatures of packages are not checked.", line)
    if _EXTRA_INDEX.search(command.text) and "--require-hashes" not in command.arguments:
        yield Found(rules.EXTRA_INDEX, "A second package index is used.", line)
    if program == "chmod" and any(_OPEN_MODE.fullmatch(word) for word in command.arguments):
        yield Found(rules.WORLD_WRITABLE, "chmod makes files writable for everyone.", line)
    if not verified:
        yield from _over_http(command)
    if program in _HUB and "download" in command.arguments[:1] and not _pinned(command.arguments):
        yield Found(
            rules.UNPINNED_MODEL, "A download from the Hugging Face hub is not pinned to a commit.", line
        )


def _over_http(command: Command) -> Iterator[Found]:
    if command.program in _FETCHERS or command.program == "git" or _PIP.fullmatch(command.program):
        for match in _HTTP.finditer(command.text):
            if not _LOCAL_HOST.fullmatch(match[1]):
                model = _MODEL.fullmatch(urlsplit(match[0]).path) if command.program in _FETCHERS else None
                rule, what = (rules.MODEL_OVER_HTTP, "a model") if model else (rules.PLAIN_HTTP, "a file")
                yield Found(rule, f"{command.program} gets {what} over plain HTTP.", command.line)
                return


def _piped(run: Sequence[Command]) -> Iterator[Found]:
    """`curl | sh` and its kin, also through other programs, and `sh -c "$(curl ...)"`."""
    fetched: dict[int, str] = {}
    for command in run:
        program = command.program
        runs = program in SHELLS or (
            _INTERPRETER.fullmatch(program)
            and not any(_READS_DATA.fullmatch(word) for word in command.arguments)
        )
        if runs and command.pipeline in fetched:
            text = f"What {fetched[command.pipeline]} downloads goes straight into {program}."
            yield Found(rules.PIPE_TO_SHELL, text, command.line)
        elif program in _FETCHERS:
            fetched[command.pipeline] = program
        starts = program in SHELLS or program in ("eval", "source", ".") or _INTERPRETER.fullmatch(program)
        if starts and _FETCH_INSIDE.search(command.text):
            yield Found(rules.PIPE_TO_SHELL, f"A download goes straight into {program}.", command.line)


def _downloaded_and_run(run: Sequence[Command]) -> Iterator[Found]:
    names: set[str] = set()
    for command in run:
        if command.program in _FETCHERS:
            names |= _written_by(command)
            continue
        candidates = [command.words[0]] if command.words else []
        if command.program in SHELLS or _INTERPRETER.fullmatch(command.program):
            candidates = [word for word in command.arguments if not word.startswith("-")][:1]
        hit = next((word for word in candidates if basename(word) in names), None)
        if hit is not None:
            names.discard(basename(hit))
            text = f"{basename(hit)} is downloaded and run without a check of its content."
            yield Found(rules.UNVERIFIED_RUN, text, command.line)


def _written_by(command: Command) -> set[str]:
    """Names of the files that a download leaves: what `-o` names, else the end of the URL."""
    named = {
        basename(value)
        for option, value in zip(command.arguments, command.arguments[1:], strict=False)
        if re.fullmatch(r"-[a-zA-Z]*[oO]|--output(?:-document)?|>", option)
    }
    urls = {
        basename(urlsplit(word).path) for word in command.arguments if re.match(r"(?:https?|ftp)://", word)
    }
    return {name for name in named | urls if name and name != "-"}


def _privileged(instruction: Instruction, run: Sequence[Command]) -> Iterator[Found]:
    if instruction.flag("security") == "insecure":
        yield Found(
            rules.PRIVILEGED, "RUN --security=insecure gives the step the host's rights.", instruction.line
        )
    if instruction.flag("network") == "host":
        yield Found(
            rules.PRIVILEGED, "RUN --network=host gives the step the host's network.", instruction.line
        )
    for command in run:
        if _METADATA.search(command.text):
            text = "The step asks the cloud who the machine is that builds, and for its keys."
            yield Found(rules.PRIVILEGED, text, command.line)
        if command.program in ("docker", "podman", "nerdctl") and "--privileged" in command.arguments:
            yield Found(rules.PRIVILEGED, "A privileged container is started.", command.line)


def _pinned(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        _COMMIT.fullmatch(value if option == "--revision" else option.removeprefix("--revision="))
        for option, value in pairs
        if option.startswith("--revision")
    )


def _plain(url: str) -> bool:
    match = _HTTP.match(url)
    return match is not None and not _LOCAL_HOST.fullmatch(match[1])
