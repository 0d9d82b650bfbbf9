"""Writes a fitted tree ensemble as ONNX: plain numbers, nothing that runs code when loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, checker, helper
from sklearn.ensemble import HistGradientBoostingRegressor


def to_onnx(
    model: HistGradientBoostingRegressor, features: int, metadata: Mapping[str, str]
) -> ModelProto:
    """Return the ensemble as one TreeEnsembleRegressor node: input (N, features), output (N, 1).

    Gives the same result as `model.predict` on finite float32 inputs, up to float32 rounding.
    """
    attributes: dict[str, list[Any]] = {
        name: []
        for name in (
            "nodes_treeids",
            "nodes_nodeids",
            "nodes_featureids",
            "nodes_values",
            "nodes_modes",
            "nodes_truenodeids",
            "nodes_falsenodeids",
            "target_treeids",
            "target_nodeids",
            "target_ids",
            "target_weights",
        )
    }
    # scikit-learn has no public way to the trees; the test of equal predictions guards this
    for tree_id, (tree,) in enumerate(model._predictors):
        _add_tree(attributes, tree_id, tree.nodes)
    attributes["base_values"] = [float(np.ravel(model._baseline_prediction)[0])]
    node = helper.make_node(
        "TreeEnsembleRegressor",
        inputs=["inputs"],
        outputs=["change"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
    )
    node.attribute.extend(helper.make_attribute(*one) for one in sorted(attributes.items()))
    graph = helper.make_graph(
        [node],
        "loadforecast",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("change", TensorProto.FLOAT, ["n", 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="training")
    helper.set_model_props(proto, dict(metadata))
    checker.check_model(proto)
    return proto


def _add_tree(attributes: dict[str, list[Any]], tree_id: int, nodes: NDArray[np.void]) -> None:
    for node_id, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        attributes["nodes_treeids"].append(tree_id)
        attributes["nodes_nodeids"].append(node_id)
        attributes["nodes_featureids"].append(0 if leaf else int(node["feature_idx"]))
        attributes["nodes_values"].append(0.0 if leaf else _floor32(float(node["num_threshold"])))
        attributes["nodes_modes"].append("LEAF" if leaf else "BRANCH_LEQ")
        attributes["nodes_truenodeids"].append(0 if leaf else int(node["left"]))
        attributes["nodes_falsenodeids"].append(0 if leaf else int(node["right"]))
        if leaf:
            attributes["target_treeids"].append(tree_id)
            attributes["target_nodeids"].append(node_id)
            attributes["target_ids"].append(0)
            attributes["target_weights"].append(float(node["value"]))


def _floor32(threshold: float) -> float:
    """Round down to float32, so that a float32 input falls on the same side as before."""
    rounded = np.float32(threshold)
    if float(rounded) > threshold:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return float(rounded)
