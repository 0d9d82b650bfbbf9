"""skops files (https://skops.readthedocs.io/en/stable/persistence.html): the schema that loaders follow.

The schema is one member of a zip, which has a reader of its own; arrays lie beside it as `.npy` files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlsecops.models.inspection import Fact
from mlsecops.models.json_text import parse, walk
from mlsecops.models.named import JudgeName, add_name
from mlsecops.models.pickle.dangers import by_words
from mlsecops.models.pickle.names import words
from mlsecops.models.rules.skops import CALLS, DISGUISE, OPERATOR
from mlsecops.models.source import Source
from mlsecops.models.walk import Walk

_IS_SCHEMA = re.compile(rb'"(?:__loader__|_skops_version)"\s*:')
# Kinds of nodes, and the names that each may have; None: any, which are judged.
_PLAIN = r"builtins\.(?:str|int|float|bool|NoneType|complex)"
_NODES: Mapping[str, str | None] = {
    "BytearrayNode": r"builtins\.bytearray",
    "BytesNode": r"builtins\.bytes",
    "CachedNode": r"None\.None|\.|builtins\.\w*",
    "ConstructorFromReduceNode": None,
    "DTypeNode": r"numpy\.dtype",
    "DefaultDictNode": r"collections\.defaultdict",
    "DictNode": None,
    "FunctionNode": None,
    "JsonNode": _PLAIN,
    "ListNode": None,
    "LossNode": None,
    "MaskedArrayNode": r"numpy\.ma\.(?:core\.)?MaskedArray",
    "MethodNode": None,
    "NdArrayNode": None,
    "ObjectNode": None,
    "OperatorFuncNode": r"operator\.(?:attrgetter|itemgetter|methodcaller)",
    "PartialNode": r"functools\.partial",
    "QuantileForestNode": None,
    "RandomGeneratorNode": None,
    "RandomStateNode": None,
    "SGDNode": None,
    "SetNode": None,
    "SliceNode": r"builtins\.slice",
    "SparseMatrixNode": None,
    "TreeNode": None,
    "TupleNode": None,
    "TypeNode": None,
    "_DictWithDeprecatedKeysNode": None,
}
# What its own kind of node makes of these is plain data, whatever a pickle could do with them.
_HARMLESS = re.compile(
    r"builtins\.(?:str|int|float|bool|NoneType|complex|list|tuple|dict|set|frozenset|bytes|bytearray|slice)"
    r"|collections\.(?:OrderedDict|defaultdict)|functools\.partial|operator\.(?:attrgetter|itemgetter|methodcaller)"
    r"|numpy\.(?:dtype|ndarray|matrix|ma\.(?:core\.)?MaskedArray|random\.(?:mtrand\.RandomState|RandomState)"
    r"|random\._generator\.Generator|(?:bool|u?int|float|complex|str|bytes|datetime|timedelta)\d{0,3}_?)"
    r"|scipy\.sparse\.[\w.]+_(?:matrix|array)|scipy\._lib\.array_api_compat\.[\w.]+\.asarray"
)
_GENERATORS = frozenset(["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"])


@dataclass(frozen=True, slots=True)
class SkopsReader:
    """Follows every node of a schema; `judge_name` says what a name means."""

    judge_name: JudgeName
    format: str = "skops"

    def recognises(self, head: bytes, source: Source) -> bool:
        """By the names that only its nodes have, near the beginning or the end."""
        if head.lstrip()[:1] != b"{":
            return False
        tail = source.at(max(source.size - 4096, 0), 4096)
        return _IS_SCHEMA.search(head) is not None or _IS_SCHEMA.search(tail) is not None

    def read(self, source: Source, walk_: Walk) -> None:
        """Judge what each node would import, and whether it is what it says."""
        document = parse(source)
        version = document.value.get("_skops_version") if isinstance(document.value, dict) else None
        walk_.found.producer = walk_.found.producer or f"skops {version or ''}".strip()
        for _, node in walk(document.value):
            if isinstance(node, dict) and "__loader__" in node:
                self._node(node, source, walk_)

    def _node(self, node: dict[str, Any], source: Source, walk_: Walk) -> None:
        loader, module, name = str(node["__loader__"]), node.get("__module__"), node.get("__class__")
        full = f"{module or ''}.{name or ''}" if module or name else "None.None"
        if loader not in _NODES:
            walk_.found.not_read(source.name, f"it has a kind of node that is not known ({loader[:60]!r})")
        expected = _NODES.get(loader)
        if expected is not None and not re.fullmatch(expected, full):
            message = f"A `{loader}` says that it is `{full[:200]}`, which nothing that skops writes does."
            _add(walk_, source, DISGUISE.id, f"{loader} {full}", message)
        if full != "None.None" and not _HARMLESS.fullmatch(full):
            add_name(full, self.judge_name, source, walk_, rule=CALLS.id, where="Its schema")
        if loader == "MethodNode":
            self._method(node, full, source, walk_)
        elif loader == "OperatorFuncNode":
            _operator(node, str(name), source, walk_)
        elif loader == "RandomGeneratorNode":
            _generator(node, source, walk_)

    def _method(self, node: dict[str, Any], full: str, source: Source, walk_: Walk) -> None:
        """A method of an object: the object has to be of the class that the node shows."""
        content = node.get("content")
        owner = content.get("obj") if isinstance(content, dict) else None
        function = str(content.get("func")) if isinstance(content, dict) else ""
        held = f"{owner.get('__module__')}.{owner.get('__class__')}" if isinstance(owner, dict) else ""
        if held != full or not function.isidentifier() or function.startswith("_"):
            message = f"A method shows `{full[:100]}` and takes `{function[:100]}` of `{held[:100]}`."
            _add(walk_, source, DISGUISE.id, f"{full}.{function}", message)
        else:
            add_name(f"{full}.{function}", self.judge_name, source, walk_, rule=CALLS.id, where="Its schema")


def _operator(node: dict[str, Any], name: str, source: Source, walk_: Walk) -> None:
    """`attrgetter` and its like with the texts that they are given."""
    texts = [_json(each.get("content")) for _, each in walk(node.get("attrs")) if isinstance(each, dict)]
    given = [text for text in texts if isinstance(text, str)]
    if any("_" in (text[:1], *(piece[:1] for piece in text.split("."))) for text in given):
        message = f"It reaches `{given[0][:100]}` of whatever it is given, by `operator.{name}`."
        _add(walk_, source, CALLS.id, f"operator.{name}", message)
    elif name != "itemgetter":
        what = f"`{given[0][:100]}`" if given else "a name that is not told"
        message = f"It calls or reads {what} by `operator.{name}`."
        plain = (
            bool(given)
            and name == "attrgetter"
            and not any(by_words(words(text), strong=False) for text in given)
        )
        severity = None if plain else 7.5
        _add(walk_, source, OPERATOR.id, f"operator.{name}", message, severity)


def _generator(node: dict[str, Any], source: Source, walk_: Walk) -> None:
    """The state of a generator names the class of its bits, which the loader takes from `numpy.random`."""
    for path, each in walk(node.get("content")):
        if path.endswith("bit_generator.content.bit_generator") and isinstance(each, dict):
            name = _json(each.get("content"))
            if name not in _GENERATORS:
                message = f"It calls `numpy.random.{str(name)[:100]}` in place of a generator."
                _add(walk_, source, DISGUISE.id, f"numpy.random.{name}", message)


def _json(text: Any) -> Any:
    if not isinstance(text, str) or len(text) > 4096:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _add(
    walk_: Walk, source: Source, rule: str, subject: str, message: str, severity: float | None = None
) -> None:
    fact = Fact(rule=rule, subject=subject[:200], message=message, part=source.name, severity=severity)
    walk_.found.add(fact)
