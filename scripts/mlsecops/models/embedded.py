"""What has no business in the text parts of a model: commands, programs, keys. Never run over weights."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mlsecops.models.inspection import Fact
from mlsecops.models.rules.configs import COMMAND, EXECUTABLE, SECRET
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

_MOST_TEXT = 1 << 20
_COMMANDS = {
    "a download that goes to a shell": re.compile(
        r"\b(?:curl|wget)\b[^\n|]{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\b(?:ba|z)?sh\s+<\(\s*(?:curl|wget)\b"
    ),
    "a command for PowerShell": re.compile(
        r"\bpowershell(?:\.exe)?\b[^\n]{0,80}\s-(?:e|enc|encodedcommand|nop|w\s+hidden)\b"
        r"|\bIEX\s*\(\s*(?:New-Object|iwr|Invoke-WebRequest)\b",
        re.IGNORECASE,
    ),
    "a shell that talks to another machine": re.compile(
        r"/dev/tcp/[\w.]+/\d|\bnc\s+(?:-\w+\s+)*-e\s|\bmkfifo\s+\S+\s*;[^\n]{0,200}\bnc\s"
    ),
    "a command that deletes files or opens them to everybody": re.compile(
        r"\brm\s+-(?:rf|fr)\s+(?:--\S+\s+)*[/~$]|\bchmod\s+(?:-\w+\s+)*0?777\s+[/~$]"
    ),
    "a Python program": re.compile(
        r"\b__import__\s*\(\s*['\"](?:os|subprocess|pty|socket|builtins|ctypes)['\"]"
        r"|\b(?:os\.(?:system|popen|exec\w+)|subprocess\.(?:run|Popen|call|check_\w+)|pty\.spawn)\s*\(\s*['\"\[]"
        r"|\b(?:exec|eval)\s*\(\s*(?:compile\s*\(|base64\.|bytes\.fromhex|zlib\.|__import__|codecs\.|marshal\.)"
    ),
    "a script for a browser": re.compile(r"<script[\s>]|javascript:\s*\w+\s*\(", re.IGNORECASE),
}
_SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/=\s]{64}"),
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a token of GitHub": re.compile(
        r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"
    ),
    "a token of Hugging Face": re.compile(r"\bhf_[A-Za-z]{34}\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-\d{6,}-[A-Za-z0-9-]{10,}"),
    "a key of a model provider": re.compile(r"\bsk-(?:proj-|ant-[a-z0-9]+-)[A-Za-z0-9_-]{40,}"),
}
_MACHINES = frozenset([3, 8, 20, 21, 22, 40, 62, 183, 243, 247, 258])  # of ELF
_PE_MACHINES = frozenset([0x014C, 0x8664, 0x01C0, 0x01C4, 0xAA64, 0x0200])
_MACHO = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
_SHEBANG = re.compile(rb"#![ \t]*/(?:usr/)?(?:local/)?bin/[\w./ -]{2,60}\r?\n")


def in_text(text: str, part: str = "") -> Iterator[Fact]:
    """What a text of a model holds that texts of models do not; nothing of a secret is repeated."""
    text = text[:_MOST_TEXT]
    for what, pattern in _COMMANDS.items():
        if pattern.search(text):
            yield Fact(rule=COMMAND.id, subject=what, part=part, message=f"A text in the model holds {what}.")
    for what, pattern in _SECRETS.items():
        if pattern.search(text):
            yield Fact(rule=SECRET.id, subject=what, part=part, message=f"A text in the model holds {what}.")


def add_text(text: str, source: Source, walk: Walk) -> None:
    """Look at a text and keep what is in it."""
    for fact in in_text(text, source.name):
        walk.found.add(fact)


def executable(head: bytes, source: Source) -> str | None:
    """Which kind of program a part is, by more of its header than the first bytes; None for none."""
    if head.startswith(b"\x7fELF") and len(head) >= 20:
        order = {1: "<", 2: ">"}.get(head[5])
        kind, machine = struct.unpack(f"{order}HH", head[16:20]) if order else (0, 0)
        return "an ELF program" if head[4] in (1, 2) and 1 <= kind <= 4 and machine in _MACHINES else None
    if head.startswith(b"MZ") and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        header = source.at(at, 6)
        windows = header[:4] == b"PE\0\0" and int.from_bytes(header[4:6], "little") in _PE_MACHINES
        return "a Windows program" if windows else None
    if head.startswith(_MACHO) and len(head) >= 16:
        order = "<" if head[0] in b"\xcf\xce" else ">"
        machine, _, kind = struct.unpack(f"{order}III", head[4:16])
        return "a macOS program" if machine & 0xFFFFFF in (7, 12, 18) and 1 <= kind <= 12 else None
    if head.startswith(b"\0asm\1\0\0\0"):
        return "a WebAssembly module"
    if head.startswith(b"\xca\xfe\xba\xbe") and len(head) >= 10:
        _, version, constants = struct.unpack(">HHH", head[4:10])
        return "a Java class" if 45 <= version <= 90 and constants > 1 else None
    if _SHEBANG.match(head):
        return "a script"
    return None


@dataclass(frozen=True, slots=True)
class ExecutableReader:
    """Programs and scripts that are parts of a model, or stand where one should be."""

    format: str = "program"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the headers of ELF, PE, Mach-O, WebAssembly and class files, and by `#!`."""
        return executable(head, source) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Name it; what the program does is not looked at."""
        what = executable(source.at(0, 4096), source)
        walk.found.add(
            Fact(
                rule=EXECUTABLE.id,
                subject=str(what),
                part=source.name,
                message=f"{source.name or 'The file'} is {what}, which loading the model may start.",
            )
        )
