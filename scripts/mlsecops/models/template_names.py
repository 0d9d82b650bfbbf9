"""Names in Jinja templates: which lead from a value to the interpreter, and what is given names to."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeGuard

from jinja2 import nodes

from mlsecops.models.template_values import Known, fold, is_built

# Every attribute with an underscore in front, and those of frames, generators and classes that have none.
LEADS_OUT = re.compile(
    r"_.*|mro|subclasses|popen|func_(?:globals|code)|(?:gi|cr|ag)_(?:frame|code)|tb_(?:frame|next)"
    r"|f_(?:globals|builtins|locals|back)"
)
# Names of the language itself, which need no more than to stand in a text on their own.
INNER = re.compile(
    r"__(?:class|globals|builtins|subclasses|mro|bases?|import|init|getattribute|dict|reduce|code|self|loader"
    r"|spec)__"
)
PRIVATE = re.compile(r"__\w+__")
# What such a name looks like before it is put together.
PIECE = re.compile(
    r"_*(?:bases?|init|popen)_*|__.*|.*__"
    r"|\S{0,20}(?:class|globals?|builtins?|subclasses|mro|import|getattribute)\S{0,20}"
)
METHODS = re.compile(r"system|popen|Popen|check_(?:output|call)|getoutput|eval|exec|execfile|spawn\w*")
FUNCTIONS = re.compile(
    r"eval|exec|compile|open|getattr|setattr|globals|locals|breakpoint|popen|Popen|check_output"
)


@dataclass(slots=True)
class Names:
    """What a template gives names to: constants, texts that it puts together, and its own macros."""

    known: dict[str, Known | None] = field(default_factory=dict)
    built: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)


def names_in(tree: nodes.Template) -> Names:
    """The names of a template; one that has several values counts as not known."""
    names = Names(own={macro.name for macro in tree.find_all(nodes.Macro)})
    assigned = [
        (each.target, each.node)
        for each in tree.find_all(nodes.Assign)
        if isinstance(each.target, nodes.Name | nodes.NSRef)
    ]
    times = Counter(each.name for each in tree.find_all(nodes.Name) if each.ctx in ("store", "param"))
    names.built |= {block.target.name for block in tree.find_all(nodes.AssignBlock) if _is_name(block.target)}
    for _ in range(2):  # a name may be built from one that is
        for target, value in assigned:
            name = target.name if isinstance(target, nodes.Name) else f"{target.name}.{target.attr}"
            names.known[name] = fold(value, names.known) if times[name] == 1 else None
            if is_built(value, names.built):
                names.built.add(name)
    return names


def _is_name(node: nodes.Node) -> TypeGuard[nodes.Name]:
    return isinstance(node, nodes.Name)
