"""Chat templates of our own that use what real ones use: slices, namespaces, macros, filters, tools."""

TEMPLATES = {
    "roles in marks": """\
{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}
{{- '<|im_end|>' + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "a system message taken off": """\
{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}
{%- else %}{% set rest = messages %}{% set system = false %}{% endif %}
{%- for m in rest %}
{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles take turns') }}{% endif %}
{%- if loop.index0 == 0 and system != false %}{% set text = '<<SYS>>\\n' + system + '\\n' + m['content'] %}
{%- else %}{% set text = m['content'] %}{% endif %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}
{%- endfor %}""",
    "a namespace and tools": """\
{%- set ns = namespace(first=true, tools=[]) -%}
{%- for m in messages -%}
  {%- if m.tool_calls is defined and m.tool_calls -%}
    {%- for call in m.tool_calls -%}
      {{- '<tool_call>' ~ (call.function | tojson(indent=2)) ~ '</tool_call>' -}}
    {%- endfor -%}
  {%- else -%}{{- m.content | trim -}}{%- endif -%}
  {%- set ns.first = false -%}
{%- endfor -%}""",
    "a macro over the properties of a tool": """\
{%- macro shown(p) -%}
  {%- for name, value in p.items() -%}
    {{ name }}: {{ value.type | upper }}
    {%- if value.enum is defined %} in {{ value.enum | join(', ') }}{% endif %}{{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro -%}
{{ shown(tools[0].function.parameters.properties) }}""",
    "thoughts cut off": """\
{% for m in messages %}{% if '</think>' in m.content %}{{ m.content.split('</think>')[-1].lstrip('\\n') }}
{%- else %}{{ m.content | replace('\\r', '') }}{% endif %}{% endfor %}""",
    "the date of today": """\
{%- if strftime_now is defined %}{%- set today = strftime_now('%d %b %Y') %}
{%- else %}{%- set today = '26 Jul 2024' %}{%- endif %}{{ 'Today: ' + today }}
{%- for m in messages %}{% if m.content is string %}{{ m.content }}
{%- else %}{% for part in m.content %}{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}
{%- endfor %}{%- endif %}{% endfor %}""",
    "a list of roles": """\
{% set roles = {'user': '<user>', 'assistant': '<model>'} %}
{%- for m in messages if m['role'] in roles %}{{ roles[m['role']] ~ m['content'] }}{% endfor %}""",
}
