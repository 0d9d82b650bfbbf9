"""Whether a Jinja template keeps its host busy: loops over constants, and texts that grow in loops."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from mlsecops.models.template_values import Names, fold

_MOST_ROUNDS, _MOST_DOUBLINGS = 10_000_000, 20


def endless(tree: nodes.Node, names: Names) -> Iterator[tuple[str, str]]:
    """What the loops of a template do beyond all measure: a word for it, and a clause."""
    due = [(tree, 1)]
    while due:
        node, around = due.pop()
        if isinstance(node, nodes.For):
            around *= _length(node.iter, names)
            if around > _MOST_ROUNDS:
                yield "loops", "loops more than ten million times"
                return
        if isinstance(node, nodes.Assign) and around > _MOST_DOUBLINGS and _doubles(node):
            yield "doubling", "doubles a text again and again in a loop"
        due += [(child, around) for child in node.iter_child_nodes()]


def _length(node: nodes.Node, names: Names) -> int:
    """How often a loop over that goes round, as far as constants tell; else 1."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range":
        numbers = [fold(each, names) for each in node.args]
        values = [each.value for each in numbers if each is not None and isinstance(each.value, int)]
        if len(values) != len(numbers) or not 0 < len(values) < 4 or (len(values) == 3 and not values[2]):
            return 1
        steps = range(*values)
        return max((steps.stop - steps.start) // steps.step, 1)
    known = fold(node, names)
    if known is None or not isinstance(known.value, str | tuple):
        return 1
    return max(len(known.value), 1)


def _doubles(node: nodes.Assign) -> bool:
    """Whether a name is set to something that has itself in it twice."""
    if not isinstance(node.node, nodes.Concat | nodes.Add | nodes.Mul):
        return False
    target = node.target
    if isinstance(target, nodes.NSRef):
        of_it = (each.node for each in node.node.find_all(nodes.Getattr) if each.attr == target.attr)
        return sum(isinstance(each, nodes.Name) and each.name == target.name for each in of_it) > 1
    if not isinstance(target, nodes.Name):
        return False
    return sum(each.name == target.name for each in node.node.find_all(nodes.Name)) > 1
