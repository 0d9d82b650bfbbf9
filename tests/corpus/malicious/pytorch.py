"""PyTorch's archives: zip with lying headers, 7z, legacy streams and tar, TorchScript, packages."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import replace

from corpus.assembler import Call, Global, Style, pickled
from corpus.formats import torch
from corpus.formats.seven_zips import of_files
from corpus.formats.zips import DEFLATED, Member, tar_of, zip_of
from corpus.sample import Sample, Variation

FAMILY = "PyTorch archives"
PICKLESCAN = "https://github.com/mmaitre314/picklescan/security/advisories/"
NULLIFAI = "https://www.reversinglabs.com/blog/rl-identifies-malware-ml-model-hosted-on-hugging-face"
JFROG = "https://jfrog.com/blog/unveiling-3-zero-day-vulnerabilities-in-picklescan/"
TORCHSCRIPT = "https://github.com/pytorch/pytorch/security/advisories/GHSA-53q9-r3pm-6pq6"
SLEEPY = "https://blog.trailofbits.com/2024/06/11/exploiting-ml-models-with-pickle-file-attacks-part-1/"
EXPORT = "https://github.com/pytorch/pytorch/blob/main/torch/_export/serde/serialize.py"
SHARDS = "https://github.com/pytorch/pytorch/blob/main/torch/distributed/checkpoint/filesystem.py"
AGENTS = "https://huggingface.co/docs/hub/stable-baselines3"
SAVE = "https://github.com/pytorch/pytorch/blob/main/torch/serialization.py"

Row = tuple[str, str, str, bytes]


def samples(vary: Variation) -> Iterator[Sample]:
    """By container."""
    for technique, source, name, data in (*_zips(vary), *_lies(vary), *_legacy(vary), *_code(vary)):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)


def _zips(vary: Variation) -> Iterator[Row]:
    bad = vary.payload(2)
    root = vary.pick(("archive", "model", vary.word()))
    yield "payload as data.pkl", SAVE, "model.pt", torch.archive(bad, root)
    sleepy = pickled({"layer.weight": torch.tensor(), "x": vary.evaluation()}, Style(2))
    yield "payload among tensors", SLEEPY, "model.pt", torch.archive(sleepy, root)
    deflated = zip_of({f"{root}/data.pkl": bad, f"{root}/version": b"3\n"}, method=DEFLATED)
    yield "deflated data.pkl", SAVE, "model.pt", deflated
    good = torch.state_dict()
    extra = vary.pick((f"{root}/constants.pkl", f"{root}/.data/x", f"{root}/attributes.pkl"))
    yield (
        f"a second pickle, {extra.rpartition('/')[2]}",
        PICKLESCAN + "GHSA-769v-p64c-89pr",
        "model.pt",
        torch.archive(good, root, {extra: bad}),
    )
    renamed = zip_of({f"{root}/data.pkl": good, f"{root}/data.{vary.pick(('txt', 'bin'))}": bad})
    yield "a pickle by another name", PICKLESCAN + "GHSA-769v-p64c-89pr", "model.pth", renamed
    storage = torch.archive(good, root, {f"{root}/data/2": bad})
    yield "a pickle among the storages", PICKLESCAN + "GHSA-769v-p64c-89pr", "model.pt", storage
    before = zip_of({f"{root}/data.pkl": bad, f"{root}/version": b"3\n"}, before=b"#!/bin/sh\nexit 0\n")
    yield "bytes before the zip", SAVE, "model.pt", before
    comment = zip_of({f"{root}/data.pkl": bad}, comment=b"x" * 30_000)
    yield "a long comment after the zip", SAVE, "model.pt", comment
    yield "7z", NULLIFAI, "model.pt", of_files({vary.pick(("data.pkl", "model/data.pkl")): bad})
    inner = zip_of({"archive/data.pkl": bad})
    yield "a PyTorch zip in a zip", SAVE, "model.pth", zip_of({"checkpoint.pt": inner})


def _lies(vary: Variation) -> Iterator[Row]:
    """Headers that make a scanner give up where torch goes on."""
    bad, good = vary.payload(2), torch.state_dict()
    name = "archive/data.pkl"

    def one(member: Member) -> bytes:
        return zip_of([replace(member, name=name, data=bad)])

    for flag in (0x1, 0x20, 0x40, 0x2000):
        yield f"flag {flag:#x} set", PICKLESCAN + "GHSA-w8jq-xcqf-f792", "model.pt", one(Member(flags=flag))
    yield "wrong checksum", JFROG, "model.pt", one(Member(checksum=vary.chance.below(1000) + 1))
    yield (
        "another name in the local header",
        PICKLESCAN + "GHSA-7q5r-7gvp-wc82",
        "model.pt",
        one(Member(local_name="archive/datap.kl")),
    )
    yield "sizes after the data", SAVE, "model.pt", one(Member(sizes=False))
    twice = [Member(name=name, data=good), Member(name=name, data=bad)]
    yield "two data.pkl, the second harmful", SAVE, "model.pt", zip_of(vary.pick((twice, twice[::-1])))
    hidden = [Member(name=name, data=good), Member(name=name, data=bad, hidden=True)]
    yield "a data.pkl that the directory does not list", SAVE, "model.pt", zip_of(hidden)
    link = Member(name="archive/data.pkl", data=b"/etc/passwd", unix=0o120777)
    yield (
        "a symbolic link out of the archive",
        "https://snyk.io/research/zip-slip-vulnerability",
        "model.pt",
        zip_of([link, Member(name="archive/version", data=b"3\n")]),
    )
    away = vary.pick(("../../../tmp/x.pkl", "/tmp/x.pkl", "archive/../../x", "..\\..\\x.dll"))
    yield (
        "a member outside the folder",
        "https://snyk.io/research/zip-slip-vulnerability",
        "model.pt",
        torch.archive(good, extra={away: b"x"}),
    )


def _legacy(vary: Variation) -> Iterator[Row]:
    bad, good = vary.payload(2), torch.state_dict()
    yield "legacy, payload as the object", SAVE, "model.pt", torch.legacy(bad)
    for part in ("magic", "version", "system", "keys"):
        streams = {part: bad}
        yield (
            f"legacy, payload as the {part}",
            PICKLESCAN + "GHSA-97f8-7cmv-76j2",
            "model.pt",
            torch.legacy(good, **streams),
        )
    computed = vary.pickled(Call(Global("builtins", "eval"), (hex(torch.MAGIC),)), 2)
    yield (
        "legacy, magic number by eval",
        PICKLESCAN + "GHSA-97f8-7cmv-76j2",
        "model.pt",
        torch.legacy(bad, magic=computed),
    )
    yield "legacy, payload behind the storages", SAVE, "model.pt", torch.legacy(good) + bad
    plain = pickled({"protocol_version": 1000, "little_endian": True}, Style(2))
    for part in ("pickle", "storages", "tensors", "sys_info"):
        members = {"sys_info": plain, "pickle": good, "storages": plain, "tensors": plain, part: bad}
        if part in vary.some(("pickle", "storages", "tensors", "sys_info"), 2):
            yield f"legacy tar, payload as {part}", SAVE, "model.pth.tar", tar_of(members)
    traversal = tar_of({"../../x": b"x", "pickle": good, "sys_info": plain})
    yield "legacy tar, a member outside the folder", "CVE-2007-4559", "model.pt", traversal
    linked = tar_of({"sys_info": plain, "pickle": good}, {"storages": vary.pick(("/etc/passwd", "../../x"))})
    yield "legacy tar, a link out of the folder", "CVE-2007-4559", "model.pt", linked


def _code(vary: Variation) -> Iterator[Row]:
    good = torch.state_dict()
    op = vary.pick(("aten.save", "aten.from_file"))
    call = {
        "aten.save": f'ops.aten.save(x, "/tmp/{vary.word()}")',
        "aten.from_file": 'torch.from_file("/etc/passwd")',
    }
    forward = "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n"
    source = f"class M(Module):\n{forward}    _0 = {call[op]}\n    return x\n"
    code = {"archive/code/__torch__.py": source.encode(), "archive/constants.pkl": pickled((), Style(2))}
    yield f"TorchScript that calls {op}", TORCHSCRIPT, "model.pt", torch.archive(good, extra=code)
    package = {
        "x/.data/extern_modules": b"os\n",
        "x/.data/python_version": b"3.11.7",
        "x/model/model.pkl": vary.payload(4),
        "x/model/__init__.py": f"import os\nos.system('{vary.command()}')\n".encode(),
    }
    yield "torch.package with its own code", SAVE, "model.pt", zip_of(package)
    exported = {
        "x/archive_format": b"pt2",
        "x/models/model.json": b"{}",
        "x/data/weights/model.pt": torch.archive(vary.payload(2)),
    }
    yield "payload among the weights of a .pt2", SAVE, "model.pt2", zip_of(exported)
    target = vary.pick(("os.system", "torch.hub.load", "torch.os.system", "builtins.eval", "torchx.os.popen"))
    yield f"exported program that calls {target}", EXPORT, "model.pt2", _exported({"target": target})
    expression = {"expr_str": vary.expression(), "hint": {"as_int": 4}}
    yield "exported program with code as a size", EXPORT, "model.pt2", _exported({"as_expr": expression})
    library = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 62) + vary.chance.bytes(100)
    compiled = {"x/archive_format": b"pt2", "x/data/aotinductor/model/model.so": library}
    yield "compiled program", EXPORT, "model.pt2", zip_of(compiled)
    yield "metadata of a checkpoint of several files", SHARDS, ".metadata", vary.payload(4)
    policy = {":type:": "<class 'abc.ABCMeta'>", ":serialized:": base64.b64encode(vary.payload(4)).decode()}
    agent = {
        "data": json.dumps({"policy_class": policy, "n_envs": 1}, indent=vary.pick((None, 4))).encode(),
        "policy.pth": torch.archive(good),
        "_stable_baselines3_version": b"2.3.0",
    }
    yield "Stable Baselines, a pickle in its settings", AGENTS, "agent.zip", zip_of(agent)
    served = {
        "MAR-INF/MANIFEST.json": b'{"model": {"handler": "handler.py", "serializedFile": "model.pt"}}',
        "handler.py": f"import os\nos.system('{vary.command()}')\n".encode(),
        "model.pt": torch.archive(vary.payload(2)),
    }
    yield "TorchServe archive", "https://www.oligo.security/blog/shelltorch", "model.mar", zip_of(served)


def _exported(node: object) -> bytes:
    """A program as `torch.export.save` writes it, with one node."""
    graph = {"graph_module": {"graph": {"nodes": [node]}}}
    return zip_of({"serialized_exported_program.json": json.dumps(graph).encode(), "version": b"8.2"})
