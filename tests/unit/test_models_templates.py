"""Jinja templates of models: which only put texts together, and which do more."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlsecops.models.readers.template_files import TemplateReader
from mlsecops.models.rules.configs import RULES
from mlsecops.models.templates import (
    ESCAPE,
    EXHAUSTS,
    INDIRECT,
    LOADS,
    LONGEST,
    TemplateError,
    look,
)
from support.parts import read_with, reasons, rules
from support.witness import MARK, Witness

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['__cla' + 'ss__'] }}",
    "{{ ''['%s%s' % ('__cla', 'ss__')] }}",
    "{{ ''['%s%s'|format('__cla', 'ss__')] }}",
    "{{ ''['{}ss__'.format('__cla')] }}",
    "{{ ''['%c%cclass%c%c'|format(95, 95, 95, 95)] }}",
    "{{ ''[x ~ 'class' ~ x] }}",
    "{{ ''['__ssalc__'[::-1]] }}",
    "{{ ''['__ssalc__'|reverse] }}",
    "{{ ''['__CLASS__'|lower] }}",
    "{{ ''['__CLASS__'.lower()] }}",
    "{{ ''['xxclassxx'.replace('x', '_')] }}",
    "{{ ''['xxclassxx'|replace('x', '_')] }}",
    "{{ ''[('__', 'class', '__')|join] }}",
    "{{ ''[''.join(['__', 'class', '__'])] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''[('_' * 2) ~ 'class' ~ ('_' * 2)] }}",
    "{{ x|attr('__class__') }}",
    "{{ x|attr(['__cl', 'ass__']|join) }}",
    "{{ x|attr(y) }}{{ '__glob' }}",
    "{{ messages|map(attribute='__class__')|list }}",
    "{{ messages|map('attr', '__class__')|list }}",
    "{{ messages|groupby('role.__class__') }}",
    "{{ cycler.__init__.__globals__.os.popen('echo').read() }}",
    "{{ lipsum['__globals__']['os'] }}",
    "{{ self._TemplateReference__context }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
    "{% set a = '__cla' %}{% set b = 'ss__' %}{{ messages[a ~ b] }}",
    "{% set a = 'x' %}{% set a = '__cla' %}{{ messages[a ~ 'ss__'] }}",
    "{% set x %}__class__{% endset %}{{ messages[x] }}",
    "{% for c in ['__cla', 'ss__'] %}{% set ns.n = ns.n ~ c %}{% endfor %}{{ messages[ns.n] }}",
    "{% set d = {'a': '__globals__'} %}{{ messages[d.a] }}",
    "{{ ''[dict(__cla=x, ss__=x)|join] }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ '{0[__class__]}'.format_map(messages) }}",
    "{{ messages.mro() }}",
    "{{ (messages|list).gi_frame.f_back }}",
    "{{ __import__('os') }}",
    "{{ os.system('echo') }}",
    "{{ eval('1') }}",
    "{{ open('/etc/hostname').read() }}",
]
LOOPS = [
    "{% for i in range(10 ** 9) %}a{% endfor %}",
    "{% for i in range(0, 999999999, 2) %}a{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for a in 'x' * 5000 %}{% for b in 'x' * 5000 %}x{% endfor %}{% endfor %}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 9 ** 99999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ 'a'|center(999999999) }}",
    "{{ 'a'.ljust(999999999) }}",
    "{{ lipsum(n=99999999) }}",
    "{% set ns = namespace(x='a') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set x = 'a' %}{% for i in range(64) %}{% set x = x + x %}{% endfor %}",
]
HARMLESS = [
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message.content | trim }}{% endfor %}",
    "{{ messages[loop.index0 - 1] }}{{ messages[messages|length - 1].content[1:] }}{{ message[key] }}",
    "{% macro a(x) %}{% if x is mapping %}{{ a(x.items()|list) }}{% endif %}{% endmacro %}{{ a(tools) }}",
    "{% set ns = namespace(i=-1) %}{% for m in l[::-1] %}{% set ns.i = ns.i + 1 %}{% endfor %}{{ l[ns.i] }}",
    "{{ raise_exception('no ' + message.role) }}{{ strftime_now('%d %b %Y') }}{{ tools|tojson(indent=4) }}",
    "{% generation %}{{ message['content'] }}{% endgeneration %}{% if x %}{% break %}{% endif %}",
    "{{ text.split('</think>')[-1].lstrip('\\n') }}{{ fn.get('_private') }}{% set _ = l.append(1) %}",
    "{{ '%s: %05.2f' % (a, b) }}{{ '{:.2f} {name}'.format(a, name=b) }}{{ content.format(x) }}",
    "{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join(', ') }}",
    "{% for i in range(messages|length) %}{% for j in range(i, -1, -1) %}{{ j }}{% endfor %}{% endfor %}",
    "{% for i in range(3, 1, 0) %}{% endfor %}{% for c in 'abc' %}{% endfor %}{{ -(1) + 2 - 3 }}{{ 7 % 0 }}",
    "{{ 'def __init__(self): pass' }}{{ '=' * 80 }}{{ 'a' if b else 'c' }}{{ x|indent(4) }}",
    "{% set system = messages[0] %}{% macro compile(x) %}{{ x }}{% endmacro %}{{ compile(system) }}",
    "{% set a, b = 1, 2 %}{{ {'a': 1}[key] }}{{ x[1.5] }}{{ ('a', 'b')|first }}{{ 'long' ~ x ~ 1 }}",
    "{{ '" + "p" * 20000 + "' + message.content }}",
    "{{ '{'.format(1) }}{{ 'a'|int }}{{ '{a!r}'.format(1) }}{{ '%(a)s' % 1 }}{{ (1,)['a'] }}{{ 'a'[9] }}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_walks_out_of_the_template_are_found(text: str) -> None:
    assert ESCAPE in {each.rule for each in look(text)}


@pytest.mark.parametrize("text", LOOPS)
def test_work_without_end_is_found(text: str) -> None:
    assert EXHAUSTS in {each.rule for each in look(text)}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_templates_of_models_do_is_no_fact(text: str) -> None:
    assert look(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{% include 'a' %}",
        "{% import 'a' as b %}",
        "{% from 'a' import b %}",
        "{% extends 'a' %}",
    ],
)
def test_other_templates_are_found(text: str) -> None:
    assert [each.rule for each in look(text)] == [LOADS]


@pytest.mark.parametrize(
    "text",
    [
        "{{ messages['a' ~ x] }}",
        "{{ messages[x|lower] }}",
        "{{ messages[x.lower()] }}",
        "{{ messages[x if y else 'a' ~ x] }}",
        "{{ messages[(a ~ b)[1]] }}",
        "{{ x|attr(y) }}",
        "{{ (a ~ b).format(messages) }}",
    ],
)
def test_names_put_together_are_unknown(text: str) -> None:
    assert {each.rule for each in look(text)} == {INDIRECT}


@pytest.mark.parametrize(
    "text", ["{% if %}", "{% nothing %}", "{{ " + "(" * 5000, "{{ " + "9" * 5000 + " }}", " " * (LONGEST + 1)]
)
def test_what_is_no_template_is_not_read(text: str) -> None:
    with pytest.raises(TemplateError):
        look(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                " set ",
                "a",
                "=",
                "~",
                "|attr",
                "(",
                ")",
                "['",
                "']",
                "__class__",
                ".",
                "*",
                "9",
            ]
        ),
        max_size=30,
    )
)
def test_any_text_is_looked_at_or_not_read(pieces: list[str]) -> None:
    with suppress(TemplateError):
        look("".join(pieces))


def test_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    reader = TemplateReader()
    assert rules(read_with(tmp_path, b"{{ ''.__class__ }}", reader)) == [ESCAPE]
    assert rules(read_with(tmp_path, b"text {% if x %} messages {{ ''.__class__ }}{% endif %}", reader)) == [
        ESCAPE
    ]
    clean = read_with(tmp_path, b"{%- for m in messages -%}{{ m.content }}{%- endfor -%}", reader)
    assert (rules(clean), clean.unread, clean.formats) == ([], [], ["Jinja template"])
    for other in (b'{"a": 1}', b"run: ${{ github.sha }}\n", b"\0{% if", b"{{ go", b"no"):
        assert reasons(read_with(tmp_path, other, reader)) == ["nobody knows it"]
    assert "UTF-8" in reasons(read_with(tmp_path, b"{% if \xff %}", reader))[0]
    assert "longer" in reasons(read_with(tmp_path, b"{# " + b"a" * LONGEST, reader))[0]
    assert "Jinja" in reasons(read_with(tmp_path, b"{% if", reader))[0]
    assert reasons(read_with(tmp_path, MARK + b"{% if x %} messages", reader, Witness())) == []


def test_rules_are_whole() -> None:
    assert {ESCAPE, LOADS, EXHAUSTS, INDIRECT} <= {rule.id for rule in RULES}
    assert all(rule.fix and rule.help and rule.tags and 0 < rule.severity <= 10 for rule in RULES)
