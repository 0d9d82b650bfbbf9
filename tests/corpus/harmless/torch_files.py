"""What PyTorch saves: state dicts, whole models, optimizers, scripted modules, in newer and older forms."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.assembler import Build, Call, Extended, Global, Style, pickled
from corpus.formats import torch
from corpus.formats.zips import tar_of, zip_of
from corpus.sample import Sample, Variation

FAMILY = "PyTorch"
SOURCE = "https://github.com/pytorch/pytorch/blob/main/torch/serialization.py"


def samples(vary: Variation) -> Iterator[Sample]:
    """Objects in a zip, then containers around a state dict."""
    for technique, value in _objects(vary):
        data = torch.archive(pickled(value, Style(2)), vary.pick(("archive", "model", vary.word())))
        yield _sample(technique, f"model.{vary.pick(('pt', 'pth', 'bin', 'ckpt'))}", data)
    for technique, name, data in _containers(vary):
        yield _sample(technique, name, data)


def _sample(technique: str, name: str, data: bytes) -> Sample:
    return Sample(
        name=name, data=data, family=FAMILY, technique=technique, source=SOURCE, expected="harmless"
    )


def _ordered(items: dict[str, object]) -> Extended:
    """An OrderedDict, filled, as pickle writes one."""
    return Extended(Call(Global("collections", "OrderedDict"), ()), pairs=tuple(items.items()))


def _parameter(key: str) -> Call:
    hooks = Call(Global("collections", "OrderedDict"), ())
    return Call(Global("torch._utils", "_rebuild_parameter"), (torch.tensor(key), True, hooks))


def _module(path: str, parameters: dict[str, object], **more: object) -> Build:
    """A module as it is pickled: its class, and its attributes."""
    module, _, name = path.rpartition(".")
    empty = Call(Global("collections", "OrderedDict"), ())
    names = ("_buffers", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks", "_state_dict_hooks")
    state: dict[str, object] = {
        "training": False,
        "_parameters": _ordered(parameters),
        **dict.fromkeys(names, empty),
    }
    return Build(Call(Global(module, name), (), "NEWOBJ"), {**state, "_modules": empty, **more})


def _objects(vary: Variation) -> Iterator[tuple[str, object]]:
    weights: dict[str, object] = {"layer.weight": torch.tensor("0"), "layer.bias": torch.tensor("1", 4)}
    yield "state dict", weights
    yield (
        "ordered state dict with metadata",
        Build(_ordered(weights), {"_metadata": _ordered({"": {"version": 1}})}),
    )
    for kind in ("HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage", "BoolStorage", "CharStorage"):
        yield f"tensor of {kind}", {"x": torch.tensor("0", 4, kind)}
    yield (
        "checkpoint",
        {"epoch": 3, "loss": 0.25, "model": _ordered(weights), "args": {"lr": 0.1, "name": vary.word()}},
    )
    slots: dict[object, object] = {0: {"step": torch.tensor("0"), "exp_avg": torch.tensor("1")}}
    groups = [{"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "params": [0]}]
    yield "state of an optimizer", {"state": slots, "param_groups": groups}
    linear = _module(
        "torch.nn.modules.linear.Linear", {"weight": _parameter("0")}, in_features=4, out_features=1
    )
    yield "Linear", linear
    relu = _module("torch.nn.modules.activation.ReLU", {}, inplace=False)
    layers = _ordered({"0": linear, "1": relu})
    yield "Sequential", Build(_module("torch.nn.modules.container.Sequential", {}), {"_modules": layers})
    yield (
        "Conv2d and BatchNorm2d",
        [
            _module(
                "torch.nn.modules.conv.Conv2d",
                {"weight": _parameter("0")},
                stride=(1, 1),
                padding_mode="zeros",
            ),
            _module(
                "torch.nn.modules.batchnorm.BatchNorm2d", {"weight": _parameter("1")}, eps=1e-5, momentum=0.1
            ),
        ],
    )
    yield (
        "LSTM",
        _module("torch.nn.modules.rnn.LSTM", {"weight_ih_l0": _parameter("0")}, mode="LSTM", num_layers=1),
    )
    yield (
        "types, devices and shapes",
        {
            "dtype": Global("torch", "float32"),
            "device": Call(Global("torch", "device"), ("cuda", 0)),
            "size": Call(Global("torch", "Size"), ((2, 3),)),
        },
    )
    scale = Call(Global("torch._utils", "_rebuild_tensor_v2"), torch.tensor().arguments)
    yield "a parameter alone", [_parameter("0"), scale]


def _containers(vary: Variation) -> Iterator[tuple[str, str, bytes]]:
    good = torch.state_dict(("a.weight", "a.bias", vary.word()))
    yield "legacy", "model.pt", torch.legacy(torch.state_dict())
    info = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"int": 4}}
    parts = {
        "sys_info": pickled(info, Style(2)),
        "pickle": good,
        "storages": pickled(0, Style(2)),
        "tensors": pickled(0, Style(2)),
    }
    yield "legacy tar", "model.pth.tar", tar_of(parts)
    forward = (
        "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n    _0 = torch.relu(torch.add(x, self.w))\n"
    )
    script = f'class M(Module):\n  __parameters__ = ["w", ]\n  w : Tensor\n{forward}    return _0\n'.encode()
    scripted = pickled(Build(Call(Global("__torch__", "M"), (), "NEWOBJ"), {"w": torch.tensor()}), Style(2))
    code = {"m/code/__torch__.py": script, "m/constants.pkl": pickled((), Style(2))}
    yield "TorchScript", "model.pt", torch.archive(scripted, "m", code)
    one = torch.legacy(torch.state_dict(("w",)), keys=pickled(["0"], Style(2)), storages=torch.RAW_STORAGE)
    kept = Call(Global("torch.storage", "_load_from_bytes"), (one,))
    yield "pickle of tensors by pickle itself", "model.pkl", pickled({"w": kept, "v": [kept] * 50}, Style(4))
    yield "zip in a zip", "models.zip", zip_of({"a.pt": torch.archive(good), "README.md": b"# two models\n"})
