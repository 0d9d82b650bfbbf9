"""Settings of Hugging Face folders: transformers, diffusers, peft and sentence-transformers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlsecops.models.json_text import walk as walk_values
from mlsecops.models.readers.settings import Check, Settings
from mlsecops.models.rules.configs import TRUSTS

_PIPELINE_PARTS = re.compile(
    r"diffusers|transformers|onnxruntime\.training|optimum\.\w+|flax|peft|k_diffusion|(?:stable_|latent_|latent_consistency|"
    r"semantic_|versatile_|score_)?diffusion\w*|stable_\w+|paint_by_example|kandinsky\w*|deepfloyd_if|wuerstchen|unclip"
    r"|unidiffuser|shap_e|audioldm\w*|musicldm|stable_audio|pixart\w*|cogvideo|cogview\w*|hunyuan\w*|flux|ltx|wan"
    r"|controlnet\w*|animatediff|kolors|lumina\w*|marigold|aura_flow|mochi|sana|blip_diffusion|ledits_pp|qwenimage"
)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, names of mappings aside."""
    return (each for _, each in walk_values(value) if isinstance(each, str))


def _code(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    del node
    for name in _texts(value):
        settings.code(name, key)


def _pipelines(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    del node
    if isinstance(value, str):
        settings.code(value, key)
    for each in value.values() if isinstance(value, dict) else ():
        if isinstance(each, dict) and isinstance(each.get("impl"), str):
            settings.code(each["impl"], key)


def _attention(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """Kernels may be named by a repository, which is fetched and loaded as native code."""
    del node
    for name in _texts(value):
        if "/" in name:
            settings.code(name.split(":")[0], key)


def _trust(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    del node
    if value is True or str(value).lower() in ("true", "yes", "on", "1"):
        settings.add(
            TRUSTS.id, key, f"The setting `{key}` asks loaders to run whatever code comes with the model."
        )


def _templates(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """One template, several with names, or several by name."""
    del node
    for path, each in walk_values(value):
        if isinstance(each, str) and (isinstance(value, str | dict) or path.endswith(".template")):
            settings.templates.read(each, key)


def _auto_mapping(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """Adapters of peft import the library that the base model came from."""
    del node
    library = value.get("parent_library") if isinstance(value, dict) else None
    if isinstance(library, str) and library.startswith("transformers_modules"):
        settings.code(library.removeprefix("transformers_modules."), key)
    elif isinstance(library, str):
        settings.name(f"{library}.{value.get('base_model_class') or 'x'}", key)


def _class_name(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    """Pipelines of diffusers: a library and a class for each part, or a file of the repository."""
    if isinstance(value, list):
        settings.code(".".join(each for each in value if isinstance(each, str)), key)
    if "_diffusers_version" not in node:
        return
    for part, each in node.items():
        if isinstance(each, list) and len(each) == 2 and all(isinstance(name, str) for name in each):
            name = ".".join(each)
            if settings.judge_name(name) == "dangerous":
                settings.name(name, part)
            elif part != "_class_name" and not _PIPELINE_PARTS.fullmatch(each[0]):
                settings.code(name, part)


def modules(settings: Settings, value: list[Any]) -> None:
    """`modules.json` of sentence-transformers: classes by name."""
    for each in value:
        if isinstance(each, dict) and isinstance(each.get("type"), str) and "path" in each:
            name = each["type"]
            if settings.judge_name(name) == "dangerous" or "." not in name:
                settings.name(name, "type")
            elif not name.startswith("sentence_transformers."):
                settings.code(name, "type")


def _weights(settings: Settings, key: str, value: Any, node: dict[str, Any]) -> None:
    del node
    for path in set(_texts(value)):
        settings.path(path, key)


CHECKS: Mapping[str, Check] = {
    "auto_map": _code,
    "custom_pipelines": _pipelines,
    "custom_pipeline": _pipelines,
    "_attn_implementation": _attention,
    "_attn_implementation_internal": _attention,
    "_attn_implementation_autoset": _attention,
    "attn_implementation": _attention,
    "trust_remote_code": _trust,
    "chat_template": _templates,
    "default_chat_template": _templates,
    "auto_mapping": _auto_mapping,
    "_class_name": _class_name,
    "weight_map": _weights,
}
