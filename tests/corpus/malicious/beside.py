"""Configuration, templates and code that a loader takes along with a model."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpus.formats.zips import tar_of
from corpus.malicious.templates import escapes
from corpus.sample import Sample, Variation

FAMILY = "configuration and code"
REMOTE = "https://huggingface.co/docs/transformers/custom_models"
ATTENTION = "CVE-2026-4372"
DIFFUSERS = "https://huggingface.co/docs/diffusers/main/en/using-diffusers/custom_pipeline_overview"
PEFT = "https://github.com/huggingface/peft/blob/main/src/peft/config.py"
LANGCHAIN = "CVE-2025-68664"
HYDRA = "https://unit42.paloaltonetworks.com/rce-vulnerabilities-in-ai-python-libraries/"
MLFLOW = "https://mlflow.org/docs/latest/ml/model/"
YAML = "CVE-2020-14343"


def samples(vary: Variation) -> Iterator[Sample]:
    """Files of Hugging Face, of Hydra and of MLflow."""
    for technique, source, name, data in (*_hugging_face(vary), *_yaml(vary)):
        yield Sample(name=name, data=data, family=FAMILY, technique=technique, source=source)


def _hugging_face(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    elsewhere = f"{vary.word()}/{vary.word()}--modeling_x.Model"
    config = {"model_type": "x", "architectures": ["Model"], "auto_map": {"AutoModel": elsewhere}}
    yield "auto_map to another repository", REMOTE, "config.json", json.dumps(config).encode()
    attention = {"model_type": "llama", "_attn_implementation_internal": f"{vary.word()}/{vary.word()}"}
    yield "attention from another repository", ATTENTION, "config.json", json.dumps(attention).encode()
    tokenizer = {"tokenizer_class": "X", "auto_map": {"AutoTokenizer": [elsewhere, None]}}
    yield "tokenizer of another repository", REMOTE, "tokenizer_config.json", json.dumps(tokenizer).encode()
    for technique, template in vary.some(escapes(vary), 2):
        plain = {"tokenizer_class": "LlamaTokenizer", "chat_template": template}
        yield f"template: {technique}", "CVE-2024-34359", "tokenizer_config.json", json.dumps(plain).encode()
    named = {
        "chat_template": [{"name": "default", "template": "{{ x }}"}, {"name": "t", "template": template}]
    }
    yield "a template among several", "CVE-2024-34359", "tokenizer_config.json", json.dumps(named).encode()
    yield "a template as a file", "CVE-2024-34359", "chat_template.jinja", template.encode()
    part = [vary.pick(("os", "posix", "subprocess")), "system"]
    pipeline = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0", "unet": part}
    yield "a part of a pipeline by any name", DIFFUSERS, "model_index.json", json.dumps(pipeline).encode()
    custom = {"_class_name": "X", "_diffusers_version": "0.30.0", "custom_pipeline": f"{vary.word()}/x"}
    yield "a pipeline of another repository", DIFFUSERS, "model_index.json", json.dumps(custom).encode()
    mapping = {"base_model_class": "system", "parent_library": vary.pick(("os", "posix"))}
    adapter = {"peft_type": "LORA", "auto_mapping": mapping}
    yield "an adapter with any library", PEFT, "adapter_config.json", json.dumps(adapter).encode()
    call = {
        "lc": 1,
        "type": "constructor",
        "id": [*vary.pick((("os",), ("a", "os"))), "system"],
        "kwargs": {},
    }
    yield "an object of LangChain by any name", LANGCHAIN, "chain.json", json.dumps(call).encode()
    prompt = {"template": template, "template_format": "jinja2"}
    chain = {"lc": 1, "type": "constructor", "id": ["langchain_core", "prompts", "P"], "kwargs": prompt}
    yield "a template of LangChain", LANGCHAIN, "chain.json", json.dumps(chain).encode()
    target = vary.pick(("os.system", "subprocess.run", "builtins.exec"))
    modules = [{"idx": 0, "name": "0", "path": "", "type": target}]
    yield "modules.json with any callable", REMOTE, "modules.json", json.dumps(modules).encode()


def _yaml(vary: Variation) -> Iterator[tuple[str, str, str, bytes]]:
    target = vary.pick(("os.system", "subprocess.Popen", "builtins.eval", "shutil.rmtree"))
    hydra = f"model:\n  encoder:\n    _target_: {target}\n    _args_:\n    - {vary.command()}\n"
    yield "a target of Hydra", HYDRA, "config.yaml", hydra.encode()
    forms = (
        '{{"model": {{"_target_": "{}"}}}}\n',
        "{{model: {{_target_: {}}}}}\n",
        'a:\n  "\\x5ftarget_": {}\n',
    )
    spelled = vary.pick(forms).format(target)
    yield "a target of Hydra, spelled otherwise", HYDRA, "config.yaml", spelled.encode()
    nemo = tar_of({"./model_config.yaml": hydra.encode(), "./model_weights.ckpt": b"\x80\x02}."}, mode="w:gz")
    yield "a target of Hydra in a .nemo", HYDRA, "model.nemo", nemo
    loader = vary.pick(("os", "subprocess", "runpy", "pydoc"))
    mlmodel = (
        f"flavors:\n  python_function:\n    loader_module: {loader}\n    data: /tmp\nmlflow_version: 2.9.0\n"
    )
    yield "MLmodel with any loader", MLFLOW, "MLmodel", mlmodel.encode()
    away = vary.pick(("../../x.pkl", "/tmp/x.pkl"))
    outside = (
        f"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: {away}\n"
    )
    yield "MLmodel with a model elsewhere", "CVE-2024-27132", "MLmodel", outside.encode()
    short = "%TAG !e! tag:yaml.org,2002:python/object/apply:\n---\nmodel: !e!os.system\n- echo\n"
    yield "an object in YAML by a short tag", YAML, "config.yaml", short.encode()
    tag = vary.pick(
        ("python/object/apply:os.system", "python/object/new:subprocess.Popen", "python/name:os.system")
    )
    yield "an object in YAML", YAML, "config.yaml", f"model: !!{tag}\n- {vary.command()}\n".encode()
