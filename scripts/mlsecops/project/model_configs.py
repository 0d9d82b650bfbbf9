"""Configuration that loaders of models read beside the weights: it can name code to import, fetch or run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Files that only models have.
_SURE = frozenset(
    {
        "MLmodel",
        "adapter_config.json",
        "chat_template.jinja",
        "chat_template.json",
        "config_sentence_transformers.json",
        "model_index.json",
        "tokenizer_config.json",
    }
)
_SUFFIXES = (".json", ".yaml", ".yml")
# Keys of Hugging Face's files, of Hydra's, and of objects kept by LangChain and Stable Baselines, which say
# by themselves what a file is for; or one that hides what it is behind escapes of letters.
_KEYS = re.compile(
    rb"""["'](?:auto_map|model_type|architectures|transformers_version|trust_remote_code|_class_name|peft_type"""
    rb"""|_target_|lc|:serialized:|[\w:]*\\(?:x|u00|U000000)[2-7][0-9A-Fa-f][\w:\\]*)["']\s*:"""
    rb"""|^[\s-]*(?:_target_|auto_map|trust_remote_code)\s*:|[{,]\s*(?:_target_|auto_map|trust_remote_code)\s*:""",
    re.MULTILINE,
)
_OBJECTS = re.compile(rb"!!?python/|!<tag:yaml\.org,2002:python/|%TAG")

_TYPES = re.compile(rb'"type"\s*:\s*"\w+\.[\w.]+"')


def may_be_config(name: str, head: bytes) -> bool:
    """Whether a file is worth remembering until it is known what stands beside it."""
    if name in _SURE:
        return True
    speaks = _KEYS.search(head) or _OBJECTS.search(head) or _by_name(name)
    return name.lower().endswith(_SUFFIXES) and bool(speaks)


def is_config(uri: str, head: bytes, beside: Collection[str]) -> bool:
    """Whether a file configures a model; `beside` are the folders that hold model files."""
    folder, _, name = uri.rpartition("/")
    if name in _SURE or folder in beside or _KEYS.search(head):
        return True
    return bool(
        _by_name(name) and (_OBJECTS.search(head) or (name == "modules.json" and _TYPES.search(head)))
    )


def names_nothing(content: bytes) -> bool:
    """Whether no part of a file speaks of models or of code, so that loaders find nothing to act on."""
    return not (_KEYS.search(content) or _OBJECTS.search(content))


def _by_name(name: str) -> bool:
    """Names that models and many other things use."""
    stem = name.lower().rpartition(".")[0]
    return stem.endswith(("config", "params")) or stem == "modules"
