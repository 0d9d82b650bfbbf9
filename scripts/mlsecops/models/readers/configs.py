"""Files of settings beside a model: JSON of Hugging Face and model servers, YAML of Hydra and MLflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlsecops.models.embedded import add_text
from mlsecops.models.inspection import Fact
from mlsecops.models.json_text import Document, parse_bytes
from mlsecops.models.json_text import walk as walk_values
from mlsecops.models.named import JudgeName
from mlsecops.models.readers import hugging_face, kept_objects, mlflow
from mlsecops.models.readers.settings import Check, Settings
from mlsecops.models.readers.template_files import Templates
from mlsecops.models.rules.configs import YAML_OBJECT
from mlsecops.models.source import Source
from mlsecops.models.walk import UnreadableError, Walk
from mlsecops.models.yaml_text import LONGEST, Documents, parse

_LONGEST_JSON = 8 << 20
_NAMES = (
    "architectures|model_type|auto_map|custom_pipelines?|trust_remote_code|_?attn_implementation\\w*|chat_template"
    "|tokenizer_class|added_tokens_decoder|transformers_version|processor_class|image_processor_type"
    "|feature_extractor_type|do_sample|max_new_tokens|weight_map|peft_type|auto_mapping|_class_name"
    "|_diffusers_version|_target_|serializedFile|modelName|sentence_transformers|pooling_mode_\\w+|max_seq_length"
    "|bos_token|eos_token|unk_token|loader_module|flavors|bentoml_version|lc|:serialized:"
)
_IN_JSON = re.compile(rf'"(?:{_NAMES})"\s*:'.encode())
_IN_LIST = re.compile(rb'"type"\s*:\s*"[\w.]+"')
_IN_YAML = re.compile(
    rf"""(?m)^[ \t\-?{{]*["']?(?:{_NAMES}|target)["']?\s*:|[{{,][ \t]*["']?(?:{_NAMES})["']?\s*:"""
    r"""|!!python/|!<tag:yaml|^%TAG""".encode()
)
_ESCAPED = re.compile(rb'"[^"\n]*\\[xuU]')  # which texts of numbers in old pickles have as well
_PLAIN_TAG = re.compile(
    r"tag:yaml\.org,2002:(?:str|int|float|bool|null|seq|map|set|omap|pairs|binary|timestamp|merge|value"
    r"|python/(?:tuple|str|unicode|bool|int|long|float|complex|list|dict|none|bytes))"
)
_PYTHON_TAG = re.compile(
    r"tag:yaml\.org,2002:python/(?:object/(?:apply|new)|object|name|module):(.*)", re.DOTALL
)

_CHECKS: Mapping[str, Check] = {**hugging_face.CHECKS, **mlflow.CHECKS, **kept_objects.CHECKS}


@dataclass(frozen=True, slots=True)
class JsonConfigReader:
    """`config.json`, `tokenizer_config.json`, `modules.json`, `MANIFEST.json` and their like."""

    judge_name: JudgeName
    format: str = "configuration (JSON)"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a name that such files have, in JSON."""
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"{", b"[") or source.size > _LONGEST_JSON:
            return False
        data = source.at(0, source.size)
        named = _IN_JSON.search(data) or (data.lstrip()[:1] == b"[" and _IN_LIST.search(data))
        return bool(named) and _json(data) is not None

    def read(self, source: Source, walk: Walk) -> None:
        """Look at every setting."""
        data = source.at(0, source.size)
        check(parse_bytes(data).value, source, walk, self.judge_name)
        add_text(data.decode("utf-8", "replace"), source, walk)


@dataclass(frozen=True, slots=True)
class YamlConfigReader:
    """Configurations of Hydra and OmegaConf, and `MLmodel`."""

    judge_name: JudgeName
    format: str = "configuration (YAML)"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By a name or tag that such files have, in text that is no JSON."""
        if b"\0" in head or (not head.isascii() and _not_utf8(head)):
            return False
        data = source.at(0, LONGEST + 1)
        if _IN_YAML.search(data) is None and (not _ESCAPED.search(data) or _not_utf8(data)):
            return False
        if head.lstrip()[:1] not in (b"{", b"["):
            return True
        return source.size <= _LONGEST_JSON and _json(source.at(0, source.size)) is None

    def read(self, source: Source, walk: Walk) -> None:
        """Look at every setting and every tag."""
        if source.size > LONGEST:
            raise UnreadableError(f"its YAML is longer than {LONGEST >> 10} KiB")
        try:
            text = source.at(0, source.size).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableError("its YAML is not UTF-8") from error
        add_text(text, source, walk)
        documents = parse(text)
        _tags(documents, source, walk, self.judge_name)
        for value in documents.values:
            check(value, source, walk, self.judge_name)


def check(value: Any, source: Source, walk: Walk, judge_name: JudgeName) -> None:
    """Look at all settings in a value, however deep; add what following them would do."""
    settings = Settings(source, walk, judge_name, Templates(source, walk))
    for path, node in walk_values(value):
        if isinstance(node, dict):
            for key, each in node.items():
                if key in _CHECKS and each:
                    _CHECKS[key](settings, f"{path}.{key}" if path else key, each, node)
        elif isinstance(node, list) and not path:
            hugging_face.modules(settings, node)


def _tags(documents: Documents, source: Source, walk: Walk, judge_name: JudgeName) -> None:
    """Tags make loaders that are not safe ones call what they name."""
    for tag, line in documents.tags.items():
        named = _PYTHON_TAG.fullmatch(tag)
        if _PLAIN_TAG.fullmatch(tag) or (named is None and "python" not in tag):
            continue
        name = named[1] if named else tag
        walk.found.imports.add(name)
        verdict = judge_name(name)
        walk.found.add(
            Fact(
                rule=YAML_OBJECT.id,
                subject=name[:200],
                message=f"Line {line} makes an object of `{name[:200]}` in every loader that is not a safe "
                f"one.",
                part=source.name,
                severity={"harmless": 5.0, "unknown": 6.5}.get(verdict),
            )
        )


def _json(data: bytes) -> Document | None:
    try:
        return parse_bytes(data)
    except UnreadableError:
        return None


def _not_utf8(head: bytes) -> bool:
    try:
        head[:-4].decode("utf-8-sig")
    except UnicodeDecodeError:
        return True
    return False
