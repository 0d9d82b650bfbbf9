"""The lines that load a model file, and the routes that lead there, from the text of the sources."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from mlsecops.project import discover
from mlsecops.reach import Load, names, reach
from mlsecops.reach.texts import ROOT, UNKNOWN

MODEL = "models/churn.pkl"


def loads(root: Path, files: dict[str, str], model: str = MODEL) -> tuple[Load, ...]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return reach(discover(root)).loads(model)


@pytest.mark.parametrize(
    "source",
    [
        "import joblib\njoblib.load('models/churn.pkl')",
        "from joblib import load\nload('churn.pkl')",
        "from joblib import load as read\nread(filename='./models/churn.pkl')",
        "import joblib\nP = 'models/'\njoblib.load(P + 'churn.pkl')",
        "import joblib\nN = 'churn'\njoblib.load(f'models/{N}.pkl')",
        "import joblib\njoblib.load(f'{anything()}/churn.pkl')",
        "import joblib\njoblib.load('%s/churn.pkl' % folder)",
        "import joblib\njoblib.load('{}/churn.pkl'.format(folder))",
        "import joblib, os\njoblib.load(os.path.join('models', 'churn.pkl'))",
        "import joblib, os\njoblib.load(os.path.join(os.path.dirname(__file__), 'models', 'churn.pkl'))",
        "import joblib, os\njoblib.load(os.environ.get('MODEL', 'models/churn.pkl'))",
        "import joblib, os\njoblib.load(os.getenv('MODEL') or 'models/churn.pkl')",
        "import joblib, sys\njoblib.load(sys.argv[1] if sys.argv[1:] else 'models/churn.pkl')",
        "import joblib\nfrom pathlib import Path\njoblib.load(Path('models') / 'churn.pkl')",
        "import joblib\nfrom pathlib import Path\njoblib.load(Path(__file__).parent / 'models/churn.pkl')",
        "import joblib, pathlib\nB = pathlib.Path('models')\njoblib.load(str(B.joinpath('churn.pkl')))",
        "import joblib, pathlib\njoblib.load(pathlib.Path('/srv/app/models/churn.pkl'))",
        "import pickle\nwith open('models/churn.pkl', 'rb') as f:\n    m = pickle.load(f)",
        "import pickle\nm = pickle.load(open('models/churn.pkl', 'rb'))",
        "import pickle, pathlib\nm = pickle.loads(pathlib.Path('models/churn.pkl').read_bytes())",
        "import pickle, gzip, io\npickle.Unpickler(io.BytesIO(gzip.open('models/churn.pkl').read()))",
        "import joblib\nFILES = {'a': 'models/churn.pkl'}\njoblib.load(FILES['a'])",
        "import joblib\nfor n in ('a.pkl', 'churn.pkl'):\n    joblib.load(n)",
        "import joblib\ndef get(path):\n    return joblib.load(path)\nget('models/churn.pkl')",
        "import joblib\ndef get(path='models/churn.pkl'):\n    return joblib.load(path)",
        "import joblib\ndef get(*, path='models/churn.pkl'):\n    return joblib.load(path)",
        "import joblib\ndef where():\n    return 'models/churn.pkl'\njoblib.load(where())",
        "import joblib\nclass M:\n    p = 'churn.pkl'\n    def get(self):\n        joblib.load(self.p)",
        "import joblib\nclass M:\n    def __init__(self, p):\n        joblib.load(p)\nM('models/churn.pkl')",
        "import joblib\nclass S:\n    path = 'models/churn.pkl'\ns = S()\njoblib.load(s.path)",
        "import pandas as pd\npd.read_pickle('models/churn.pkl')",
        "import numpy as np\nnp.load('models/churn.pkl', allow_pickle=True)",
        "import torch\ntorch.load('models/churn.pkl')",
        "import mlflow.sklearn\nmlflow.sklearn.load_model('models')",
        "import xgboost as xgb\nb = xgb.Booster()\nb.load_model('models/churn.pkl')",
        "import lightgbm as lgb\nlgb.Booster(model_file='models/churn.pkl')",
        "from catboost import CatBoostClassifier\nCatBoostClassifier().load_model('models/churn.pkl')",
        "from tensorflow import keras\nkeras.models.load_model('models/churn.pkl')",
        "import onnxruntime as ort\nort.InferenceSession('models/churn.pkl')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('models')",
        "import skops.io as sio\nsio.load('models/churn.pkl')",
        "from safetensors.torch import load_file\nload_file('models/churn.pkl')",
    ],
)
def test_a_line_that_loads_a_model(tmp_path: Path, source: str) -> None:
    [load] = loads(tmp_path, {"app.py": source})
    assert load.uri == "app.py"
    assert "load" in load.call or load.call.rpartition(".")[2] in source
    assert source.splitlines()[load.line - 1].strip()


def test_names_that_lead_in_circles_end(tmp_path: Path) -> None:
    doubled = "".join(f"a{n} = a{n + 1} + a{n + 1}\n" for n in range(40))
    chained = "".join(f"b = b.x{n}\n" for n in range(300))
    deep = "c = " + "d." * 300 + "e\n"
    calls = "joblib.load(a0)\nb.load_model('churn.pkl')\nc('churn.pkl')\n"
    source = f"import joblib\n{doubled}{chained}{deep}{calls}a40 = 'churn'\njoblib.load(a40 + '.pkl')\n"
    found = loads(tmp_path, {"app.py": source})
    assert [load.line for load in found] == [source.count("\n")]


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.load('models/churn.pkl')",
        "import joblib\njoblib.load('models/other.pkl')",
        "import joblib\njoblib.load(f'{name}.pkl')",
        "import joblib\njoblib.load()",
        "import joblib\njoblib.dump(m, 'models/churn.pkl')",
        "import lightgbm\nlightgbm.Booster('models/churn.pkl')",
        "model.load_model('models/churn.pkl')",
        "import joblib\na = b\nb = a\njoblib.load(a)",
        "import joblib\njoblib.load(lambda: 'models/churn.pkl')",
        "import joblib\njoblib.load('models/churn.pkl'",
    ],
)
def test_a_line_that_does_not(tmp_path: Path, source: str) -> None:
    assert loads(tmp_path, {"app.py": source}) == ()


def test_a_constant_of_another_module(tmp_path: Path) -> None:
    files = {
        "src/app/__init__.py": "",
        "src/app/config.py": """
            from pathlib import Path
            ROOT = Path(__file__).parents[2]
            MODEL = ROOT / "models" / "churn.pkl"
            """,
        "src/app/absolute.py": "import joblib\nfrom app.config import MODEL\nm = joblib.load(MODEL)\n",
        "src/app/relative.py": "import joblib\nfrom . import config\nm = joblib.load(config.MODEL)\n",
        "src/app/nearer.py": "import joblib\nfrom .config import MODEL as M\nm = joblib.load(M)\n",
    }
    found = loads(tmp_path, files)
    assert {load.uri for load in found} == {
        f"src/app/{name}.py" for name in ("absolute", "relative", "nearer")
    }


def test_a_notebook_cell(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Title", "metadata": {}},
        {
            "cell_type": "code",
            "source": ["import joblib\n", "m = joblib.load('models/churn.pkl')"],
            "metadata": {},
        },
    ]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, indent=1)
    [load] = loads(tmp_path, {"look.ipynb": notebook})
    assert "joblib.load" in notebook.splitlines()[load.line - 1]


ROUTES = {
    "flask": """
        import joblib
        from flask import Flask
        app = Flask(__name__)
        model = joblib.load("models/churn.pkl")

        @app.route("/forecast", methods=["POST"])
        def forecast():
            return model.predict()

        @app.route("/health")
        def health():
            return "ok"
        """,
    "same function": """
        import joblib
        from fastapi import FastAPI
        app = FastAPI()

        @app.post("/forecast")
        async def forecast():
            return joblib.load("models/churn.pkl").predict()
        """,
    "two hops": """
        import joblib
        from fastapi import APIRouter, Depends
        router = APIRouter(prefix="/forecast")

        def load():
            return joblib.load("models/churn.pkl")

        def service():
            return load()

        @router.post("")
        def forecast(model=Depends(service)):
            return model
        """,
    "factory": """
        import joblib
        from flask import Flask

        def create_app():
            app = Flask(__name__)
            model = joblib.load("models/churn.pkl")

            @app.post("/forecast")
            def forecast():
                return model.predict()

            return app
        """,
    "class": """
        import joblib
        from flask import Flask
        app = Flask(__name__)

        class Service:
            def __init__(self):
                self.model = joblib.load("models/churn.pkl")

            def predict(self):
                return self.model.predict()

        service = Service()

        @app.post("/forecast")
        def forecast():
            return service.predict()
        """,
    "state": """
        import joblib
        from fastapi import FastAPI, Request
        app = FastAPI()

        @app.on_event("startup")
        def start():
            app.state.model = joblib.load("models/churn.pkl")

        @app.post("/forecast")
        def forecast(request: Request):
            return request.app.state.model.predict()
        """,
    "mapping": """
        import joblib
        from fastapi import FastAPI
        models = {}

        async def lifespan(app):
            models["m"] = joblib.load("models/churn.pkl")
            yield

        app = FastAPI(lifespan=lifespan)

        @app.post("/forecast")
        def forecast():
            return models["m"].predict()
        """,
    "global": """
        import joblib
        from flask import Flask
        app = Flask(__name__)
        model = None

        def load():
            global model
            model = joblib.load("models/churn.pkl")

        @app.post("/forecast")
        def forecast():
            return model.predict()
        """,
    "added": """
        import joblib
        from flask import Flask
        app = Flask(__name__)

        def forecast():
            return joblib.load("models/churn.pkl").predict()

        app.add_url_rule("/forecast", view_func=forecast, methods=["POST"])
        """,
    "resource": """
        import joblib
        from flask_restful import Api, Resource
        api = Api()

        class Forecast(Resource):
            def post(self):
                return joblib.load("models/churn.pkl")

        api.add_resource(Forecast, "/forecast", methods=["POST"])
        """,
    "bentoml": """
        import bentoml, joblib

        @bentoml.service
        class Service:
            @bentoml.api
            def forecast(self, x):
                return joblib.load("models/churn.pkl").predict(x)
        """,
}


@pytest.mark.parametrize("shape", ROUTES)
def test_a_route_that_leads_to_it(tmp_path: Path, shape: str) -> None:
    [load] = loads(tmp_path, {"server.py": ROUTES[shape]})
    assert load.routes == ("POST /forecast",)


def test_a_route_of_another_module(tmp_path: Path) -> None:
    files = {
        "app/model.py": "import joblib\nMODEL = joblib.load('models/churn.pkl')\n",
        "app/service.py": "from app import model\ndef predict():\n    return model.MODEL.predict()\n",
        "app/server.py": """
            from flask import Blueprint
            from .service import predict
            api = Blueprint("api", __name__, url_prefix="/v1")

            @api.route("/forecast", methods=("POST", "PUT"))
            def forecast():
                return predict()
            """,
        "app/urls.py": """
            from django.urls import path
            from . import service
            urlpatterns = [path("old/", service.predict), path("else/", other)]
            """,
    }
    [load] = loads(tmp_path, files)
    assert (load.uri, load.line, load.call) == ("app/model.py", 2, "joblib.load")
    assert load.routes == ("POST /v1/forecast", "PUT /v1/forecast", "any /old/")


def test_what_a_route_reaches_comes_first(tmp_path: Path) -> None:
    files = {f"a{number}.py": "import joblib\njoblib.load('churn.pkl')\n" for number in range(9)}
    found = loads(tmp_path, files | {"z.py": ROUTES["same function"]})
    assert len(found) == 5
    assert found[0].uri == "z.py"


@pytest.mark.parametrize(
    ("text", "uri", "expected"),
    [
        ("models/m.pkl", "models/m.pkl", True),
        ("models/m.pkl", "service/models/m.pkl", True),
        ("m.pkl", "models/m.pkl", True),
        ("m.pkl", "models/xm.pkl", False),
        ("../models/m.pkl", "models/m.pkl", True),
        ("/srv/models/m.pkl", "models/m.pkl", True),
        ("/srv/m", "models/m.pkl", False),
        ("/srv/models/bert", "models/bert/model.bin", True),
        ("file:///srv/models/m.pkl", "models/m.pkl", True),
        (f"{ROOT}models/m.pkl", "models/m.pkl", True),
        (f"{ROOT}models/m.pkl", "service/models/m.pkl", False),
        (f"{ROOT}models", "models/m.pkl", True),
        (f"{UNKNOWN}/m.pkl", "models/m.pkl", True),
        (f"{UNKNOWN}m.pkl", "models/m.pkl", False),
        ("models/bert", "models/bert/model.bin", True),
        ("bert", "models/bert/model.bin", True),
        (".", "models/m.pkl", False),
        ("..", "models/m.pkl", False),
        ("", "models/m.pkl", False),
    ],
)
def test_a_path_names_a_file_or_a_folder_above(text: str, uri: str, expected: bool) -> None:
    assert names(text, uri) is expected


def test_sources_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    files = {"a.py": "(" * 5000, "b.ipynb": "{", "c.py": "import joblib\njoblib.load('churn.pkl')\n"}
    assert [load.uri for load in loads(tmp_path, files)] == ["c.py"]
