from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from mlsecops.project import App, discover
from mlsecops.project.apps import apps_in, may_hold_app
from support.shapes import write


def apps(source: str) -> list[tuple[str, str, int]]:
    text = textwrap.dedent(source)
    assert may_hold_app(text.encode()) or not apps_in("a.py", text)
    return [(app.framework, app.name, app.line) for app in apps_in("a.py", text)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from flask import Flask\napp = Flask(__name__)\n", ("flask", "app", 2)),
        ("import flask\nserver = flask.Flask('x')\n", ("flask", "server", 2)),
        ("from flask import Flask as F\napplication = app = F(__name__)\n", ("flask", "app", 2)),
        ("from flask import *\napp = Flask(__name__)\n", ("flask", "app", 2)),
        ("from quart import Quart\napp = Quart(__name__)\n", ("flask", "app", 2)),
        ("from fastapi import FastAPI\napi: FastAPI = FastAPI()\n", ("fastapi", "api", 2)),
        ("import fastapi as f\napp = f.FastAPI()\n", ("fastapi", "app", 2)),
        ("import dash\napp = dash.Dash()\n", ("dash", "app", 2)),
        ("from dash import Dash, html\napp = Dash()\n", ("dash", "app", 2)),
        ("import connexion\napp = connexion.App(__name__)\n", ("connexion", "app", 2)),
        ("from connexion.apps.flask_app import FlaskApp\napp = FlaskApp('x')\n", ("connexion", "app", 2)),
        ("import gradio as gr\ndemo = gr.Interface(f, 'text', 'text')\n", ("gradio", "demo", 2)),
        ("import gradio as gr\nwith gr.Blocks() as demo:\n    pass\n", ("gradio", "demo", 2)),
        ("import gradio as gr\ngr.Interface(f).launch()\n", ("gradio", "", 2)),
        ("import streamlit as st\nst.title('x')\n", ("streamlit", "", 2)),
        ("from streamlit import title\ntitle('x')\n", ("streamlit", "", 2)),
        ("import streamlit as st\ndef main():\n    st.title('x')\nmain()\n", ("streamlit", "", 3)),
        ("import flask\nif True:\n    app = flask.Flask('x')\n", ("flask", "app", 3)),
        (
            "try:\n    from flask import Flask\n    a = Flask('x')\nexcept ImportError:\n    a = None\n",
            ("flask", "a", 3),
        ),
        (
            "from flask import Flask\ndef create_app():\n    app = Flask('x')\n    return app\n",
            ("flask", "create_app()", 3),
        ),
        ("from flask import Flask\ndef make(config=None):\n    return Flask('x')\n", ("flask", "make()", 3)),
        ("from flask import Flask\ndef make(config):\n    return Flask('x')\n", ("flask", "", 3)),
        ("from flask import Flask\ndef make(*, config):\n    return Flask('x')\n", ("flask", "", 3)),
        (
            "from flask import Flask\ndef make(c):\n    return Flask('x')\napp = make(1)\n",
            ("flask", "app", 3),
        ),
        ("from flask import Flask\ndef make():\n    return Flask('x')\napp = make()\n", ("flask", "app", 3)),
        ("from flask import Flask\ndef main():\n    app = Flask('x')\n    app.run()\n", ("flask", "", 3)),
        (
            "from flask import Flask\nclass S:\n    def __init__(self):\n        self.app = Flask('x')\n",
            ("flask", "", 4),
        ),
        (
            "def f():\n    from flask import Flask\n    def g():\n        return Flask('x')\n    return g\n",
            ("flask", "", 4),
        ),
    ],
)
def test_finds(source: str, expected: tuple[str, str, int]) -> None:
    assert apps(source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        "class Flask: ...\napp = Flask()\n",
        "from .flask import Flask\napp = Flask('x')\n",
        "from other import Flask\napp = Flask('x')\n",
        "import flask\napp = flask.Blueprint('x')\n",
        "import flask\nx = flask\n",
        "import flask\nx = (lambda: 1)()\n",
        "import streamlit as st\ndef helper():\n    st.title('x')\n",
        "import streamlit\n",
        "print('from flask import Flask')\n",
        "",
    ],
)
def test_does_not_find(source: str) -> None:
    assert apps(source) == []


def test_several_apps_of_one_file() -> None:
    source = """\
    import dash
    from flask import Flask

    server = Flask(__name__)
    app = dash.Dash(__name__, server=server)
    """
    assert apps(source) == [("flask", "server", 4), ("dash", "app", 5)]


def test_what_does_not_parse_is_searched_as_text() -> None:
    source = "import flask\nprint 'python 2'\napp = Flask(__name__)\ndef f():\n    x = fastapi.FastAPI()\n"
    assert apps(source) == [("flask", "app", 3), ("fastapi", "", 5)]
    assert apps("import streamlit as st\nprint 'x'\n") == [("streamlit", "", 1)]
    assert apps("from flask import Flask\n\0app = Flask('x')\n") == []
    assert apps("from flask import Flask\napp = Flask('x')\n" + "(" * 5000 + "\n") == [("flask", "app", 2)]


def test_no_warning_for_old_escapes(recwarn: pytest.WarningsRecorder) -> None:
    assert apps("from flask import Flask\nx = '\\d'\napp = Flask('x')\n") == [("flask", "app", 3)]
    assert not recwarn.list


def test_apps_of_a_project_are_not_those_of_its_tests(tmp_path: Path) -> None:
    app = "from flask import Flask\napp = Flask(__name__)\n"
    write(
        tmp_path,
        {
            "b/app.py": app,
            "a.py": app,
            "tests/test_x.py": app,
            "tests/helper.py": app,
            "conftest.py": app,
            "huge.py": app + "#" * 3_000_000,
        },
    )
    assert discover(tmp_path).apps == (App("flask", "a.py", "app", 2), App("flask", "b/app.py", "app", 2))
