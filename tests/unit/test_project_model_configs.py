"""Which files configure models: by names that only models have, by keys, and by what stands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlsecops.project import discover


def configs(root: Path, files: dict[str, bytes]) -> list[str]:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return [config.uri for config in discover(root).model_configs]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("MLmodel", b"flavors: {}\n"),
        ("a/tokenizer_config.json", b"{}"),
        ("chat_template.jinja", b"{{ messages }}"),
        ("config.json", b'{"model_type": "bert"}'),
        ("anything.json", b'{"auto_map": {"AutoModel": "x--y"}}'),
        ("conf/model/net.yaml", b"net:\n  _target_: torch.nn.Linear\n"),
        ("conf/list.YML", b"- _target_: a.b\n"),
        ("conf/flow.yaml", b"{net: {lr: 1, _target_: a.b}}\n"),
        ("conf/escaped.yaml", b'net:\n  "\\x5ftarget_": a.b\n'),
        ("escaped.json", b'{"\\u0061uto_map": {"AutoModel": "x--y"}}'),
        ("chain.json", b'{"lc": 1, "type": "constructor", "id": ["a", "b"]}'),
        ("data.json", b'{"policy_class": {":serialized:": "gASVBw=="}}'),
        ("a/modules.json", b'[{"idx": 0, "type": "sentence_transformers.models.Transformer"}]'),
        ("config.yaml", b"model: !!python/object/apply:os.system [echo]\n"),
    ],
)
def test_a_file_that_configures_a_model(tmp_path: Path, name: str, content: bytes) -> None:
    assert configs(tmp_path, {name: content}) == [name]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b'{"debug": true}'),
        ("modules.json", b"[]"),
        ("modules.json", b'{"type": "module"}'),
        ("mkdocs.yml", b"emoji: !!python/name:material.emoji\n"),
        ("package.json", b'{"name": "x"}'),
        ("notes.txt", b'"auto_map": 1'),
        ("config.json", b"\0\1\2"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    assert configs(tmp_path, {name: content}) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b'{"debug": true}'),
        ("modules.json", b"[]"),
        ("hparams.yaml", b"a: 1\n"),
        ("loader.yml", b"a: !!python/name:os.system\n"),
    ],
)
def test_beside_a_model_more_counts(tmp_path: Path, name: str, content: bytes) -> None:
    files = {"m/net.safetensors": b"\x02\0\0\0\0\0\0\0{}", f"m/{name}": content, f"n/{name}": content}
    assert configs(tmp_path, files) == [f"m/{name}"]


def test_a_model_is_no_configuration_too(tmp_path: Path) -> None:
    text = b'{"class_name": "Sequential", "keras_version": "3", "config": {}, "model_type": "x"}'
    assert configs(tmp_path, {"config.json": text}) == []
