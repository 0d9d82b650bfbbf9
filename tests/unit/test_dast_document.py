"""OpenAPI documents and code -> operations, with their handlers and what the project itself sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlsecops.dast.document.describe import Description, describe, document_files
from mlsecops.dast.document.references import BUNDLED, lookup, resolve
from mlsecops.dast.document.servers import at_address
from mlsecops.dast.document.source import DocumentError, parse
from mlsecops.dast.target import Handler, Operation
from mlsecops.job import ToolError
from mlsecops.project import discover

HEAD = 'openapi: 3.1.0\ninfo: {title: t, version: "1"}\n'


def described(
    root: Path, files: dict[str, str], *excluded: str, served: tuple[bytes, ...] = ()
) -> Description:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return describe(discover(root), None, excluded, None, lambda: served)


def by_name(description: Description) -> dict[str, Operation]:
    return {operation.name: operation for operation in description.operations}


class TestSource:
    def test_the_line_of_an_operation_is_known_in_yaml_and_json(self) -> None:
        document = parse(f"{HEAD}paths:\n  /a:\n    get: {{}}\n    post: {{}}\n".encode())
        assert (document.line("/a", "get"), document.line("/a", "post")) == (5, 6)
        text = json.dumps({"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}, indent="\t")
        assert parse(text.encode()).line("/a", "get") == 5

    def test_dates_and_status_codes_stay_what_was_written_and_merged_keys_count(self) -> None:
        paths = "paths:\n  /a:\n    get:\n      responses: {200: {<<: *x, b: 1.5}}\n"
        text = f"{HEAD}x: &x {{a: 2026-01-01}}\n{paths}"
        responses = parse(text.encode()).data["paths"]["/a"]["get"]["responses"]
        assert responses == {"200": {"a": "2026-01-01", "b": 1.5}}

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"a: [", "not valid YAML in line"),
            (b"{", "not valid JSON"),
            (b"\xff\xfe", "not UTF-8"),
            (b"a: 1", "no OpenAPI document"),
            (b"openapi: 3.1.0\npaths: [a]", "'paths' is no mapping"),
            (b" " * (5 << 20) + b"a", "larger than 5 MiB"),
            (b"openapi: 3.1.0\na: " + b"[" * 150 + b"]" * 150, "deeper ones, than are read"),
            (
                b"openapi: 3.1.0\na0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
                + b"".join(
                    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)
                ),
                "more values",
            ),
        ],
    )
    def test_what_is_no_document_is_refused_with_the_reason(self, content: bytes, reason: str) -> None:
        with pytest.raises(DocumentError, match=reason):
            parse(content)


class TestReferences:
    def test_within_the_document(self) -> None:
        document: dict[str, Any] = {"a": {"b/c": [{"$ref": "#/d"}]}, "d": {"$ref": "#/e"}, "e": 7}
        assert lookup(document, "#/a/b~1c/0") == {"$ref": "#/d"}
        assert resolve(document, {"$ref": "#/a/b~1c/0"}) == 7
        assert resolve(document, {"$ref": "#/nothing"}) == {}
        assert resolve({"a": {"$ref": "#/a"}}, {"$ref": "#/a"}) == {}
        assert resolve(document, {"$ref": "http://example.com/a"}) == {}

    def test_files_of_the_project_are_bundled_and_others_are_never_fetched(self, tmp_path: Path) -> None:
        found = described(
            tmp_path,
            {
                "api/openapi.yaml": f"{HEAD}paths:\n  /a:\n    $ref: paths/a.yaml\n  /b:\n"
                f"    $ref: 'http://127.0.0.1:9/b'\n"
                "  /c: {$ref: ../../../etc/passwd}\n",
                "api/paths/a.yaml": "get:\n  parameters:\n    - $ref: '../shared.json#/limit'\n"
                "    - $ref: '#/own'\nown: {name: own, in: header, schema: {}}\n",
                "api/shared.json": json.dumps(
                    {"limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}}
                ),
                "app.py": "",
            },
        )
        assert [each.name for each in by_name(found)["GET /a"].parameters] == ["limit", "own"]
        assert set(found.document.data[BUNDLED]) == {
            "api/paths/a.yaml",
            "api/shared.json",
            "../../etc/passwd",
        }
        assert "api/openapi.yaml refers to http://127.0.0.1, which is not fetched" in found.notes
        assert any("../../etc/passwd, of which nothing is known" in note for note in found.notes)


class TestHandlers:
    def test_of_flask_with_blueprints_views_and_rules(self, tmp_path: Path) -> None:
        files = {
            "app.py": "from flask import Flask\nfrom pages import pages\n\n\ndef create_app():\n"
            "    app = Flask('a')\n"
            "    app.register_blueprint(pages, url_prefix='/pages')\n\n"
            "    @app.route('/run/<int:number>', methods=['PUT'])\n"
            "    def run(number):\n        return ''\n\n    app.add_url_rule('/rule', view_func=rule)\n"
            "    return app\n\n\n"
            "def rule():\n    return ''\n",
            "pages.py": "from flask import Blueprint\n\n"
            "pages = Blueprint('pages', 'pages', url_prefix='/other')\n\n\n"
            "@pages.get('/<path:name>')\ndef page(name):\n    return ''\n",
            "openapi.yaml": f"{HEAD}paths:\n  /pages/{{page}}: {{get: {{}}}}\n"
            f"  /run/{{n}}: {{put: {{}}}}\n  /rule: {{get: {{}}}}\n"
            "  /elsewhere: {get: {}}\n",
        }
        found = by_name(described(tmp_path, files))
        assert found["GET /pages/{page}"].handler == Handler("pages.py", 7)
        assert found["PUT /run/{n}"].handler == Handler("app.py", 10)
        assert found["GET /rule"].handler == Handler("app.py", 17)
        assert found["GET /elsewhere"].handler == Handler("openapi.yaml", 7)

    def test_of_fastapi_with_nested_routers(self, tmp_path: Path) -> None:
        files = {
            "api/__init__.py": "",
            "api/main.py": "from fastapi import FastAPI\nfrom api import items\n\napp = FastAPI()\n"
            "app.include_router(items.router, prefix='/v1')\n",
            "api/items.py": "from fastapi import APIRouter\n\nrouter = APIRouter(prefix='/items')\n"
            "inner = APIRouter()\n\n\n"
            "@inner.post('/{item}/score')\nasync def score(item: str):\n    return 1\n\n\n"
            "router.include_router(inner, prefix='/deep')\n",
            "openapi.yaml": f"{HEAD}paths:\n  /v1/items/deep/{{id}}/score: {{post: {{}}}}\n",
        }
        found = by_name(described(tmp_path, files))
        assert found["POST /v1/items/deep/{id}/score"].handler == Handler("api/items.py", 8)

    def test_of_connexion_by_what_the_document_names(self, tmp_path: Path) -> None:
        files = {
            "api/__init__.py": "",
            "api/forecast.py": "\n\ndef post(body):\n    return body\n",
            "openapi.yaml": f"{HEAD}paths:\n  /a:\n    post: {{operationId: api.forecast.post}}\n"
            "  /b:\n    x-openapi-router-controller: api.forecast\n    post: {operationId: post}\n",
        }
        found = by_name(described(tmp_path, files))
        assert found["POST /a"].handler == found["POST /b"].handler == Handler("api/forecast.py", 3)

    def test_of_resources(self, tmp_path: Path) -> None:
        files = {
            "app.py": "from flask_restful import Api, Resource\nfrom flask.views import MethodView\n\n\n"
            "class A(Resource):\n"
            "    def get(self):\n        return 1\n\n\nclass B(MethodView):\n    def post(self):\n"
            "        return 2\n\n\n"
            "api = Api()\napi.add_resource(A, '/a')\napp.add_url_rule('/b', view_func=B.as_view('b'))\n",
            "openapi.yaml": f"{HEAD}paths:\n  /a: {{get: {{}}}}\n  /b: {{post: {{}}}}\n",
        }
        found = by_name(described(tmp_path, files))
        assert found["GET /a"].handler == Handler("app.py", 6)
        assert found["POST /b"].handler == Handler("app.py", 11)


class TestOperations:
    def test_of_openapi_3(self, tmp_path: Path) -> None:
        document = f"""{HEAD}security: [{{key: []}}, {{token: []}}]
components:
  parameters: {{limit: {{name: limit, in: query, schema: {{type: integer}}, example: 5}}}}
  requestBodies:
    Row:
      required: true
      content:
        application/json:
          schema: {{type: object, examples: [{{c: 3}}]}}
          examples:
            one: {{value: {{a: 1}}}}
            two: {{externalValue: examples/two.json}}
            no: {{externalValue: no.json}}
paths:
  /a/{{id}}:
    parameters:
      - {{name: id, in: path, required: true, schema: {{type: string}}}}
      - {{name: limit, in: query, schema: {{type: string}}}}
    post:
      parameters: [{{$ref: "#/components/parameters/limit"}}]
      requestBody: {{$ref: "#/components/requestBodies/Row"}}
      responses:
        "200": {{content: {{application/json: {{schema: {{type: number}}}}}}}}
        default: {{description: none}}
    get:
      security: []
      parameters: [{{name: q, in: query, content: {{application/json: {{schema: {{type: array}}}}}}}}]
    put: {{security: [{{}}, {{key: []}}]}}
"""
        found = by_name(described(tmp_path, {"openapi.yaml": document, "examples/two.json": '{"b": 2}'}))
        post = found["POST /a/{id}"]
        assert [(each.name, each.where, each.required, each.examples) for each in post.parameters] == [
            ("limit", "query", False, (5,)),
            ("id", "path", True, ()),
        ]
        assert post.body
        assert post.body.required
        assert list(post.body.content) == ["application/json"]
        assert post.samples == ({"a": 1}, {"b": 2}, {"c": 3})
        assert post.security == ("key", "token")
        assert [(each.status, each.content) for each in post.produces] == [
            ("200", {"application/json": {"type": "number"}}),
            ("default", {}),
        ]
        assert found["GET /a/{id}"].security == found["PUT /a/{id}"].security == ()
        assert found["GET /a/{id}"].parameters[0].schema == {"type": "array"}

    def test_of_swagger_2(self, tmp_path: Path) -> None:
        document = """swagger: "2.0"
host: example.com
basePath: /v2
consumes: [application/json]
paths:
  /a:
    post:
      parameters: [{name: row, in: body, required: true, schema: {type: object, example: {a: 1}}}]
      responses: {"200": {schema: {type: number}}}
    put:
      consumes: []
      parameters:
        - {name: f, in: formData, type: file, required: true}
        - {name: n, in: formData, type: integer}
    get: {parameters: [{name: q, in: query, type: integer, minimum: 1}]}
"""
        description = described(tmp_path, {"swagger.yaml": document})
        found = by_name(description)
        assert found["POST /v2/a"].samples == ({"a": 1},)
        assert found["POST /v2/a"].produces[0].content == {"application/json": {"type": "number"}}
        assert found["GET /v2/a"].parameters[0].schema == {"type": "integer", "minimum": 1}
        body = found["PUT /v2/a"].body
        assert body
        assert body.required
        data = at_address(description.document, description.code.routes, "http://127.0.0.1:8000")
        assert (data["host"], data["basePath"], data["schemes"]) == ("127.0.0.1:8000", "/v2", ["http"])

    @pytest.mark.parametrize(
        ("server", "path"),
        [
            ("https://example.com/v1/", "/v1/a"),
            ("/v1", "/v1/a"),
            (
                "'{scheme}://example.com/{base}', variables: {scheme: {default: https}, base: {default: v3}}",
                "/v3/a",
            ),
            ("https://example.com", "/a"),
        ],
    )
    def test_of_a_server_only_the_path_counts(self, server: str, path: str, tmp_path: Path) -> None:
        paths = "paths:\n  /a:\n    servers: [{url: http://other.example}]\n    get: {}\n"
        document = f"{HEAD}servers: [{{url: {server}}}]\n{paths}"
        found = described(tmp_path, {"openapi.yaml": document})
        assert list(by_name(found)) == [f"GET {path}"]
        data = at_address(found.document, found.code.routes, "http://127.0.0.1:8000")
        assert data["servers"] == [{"url": f"http://127.0.0.1:8000{path.removesuffix('/a')}"}]
        assert "example" not in json.dumps(data)

    def test_a_servers_path_does_not_count_where_the_code_has_the_paths_without_it(
        self, tmp_path: Path
    ) -> None:
        files = {
            "openapi.yaml": f"{HEAD}servers: [{{url: /v1}}]\npaths:\n  /a: {{get: {{}}}}\n",
            "app.py": "from flask import Flask\n\napp = Flask('a')\n\n\n@app.get('/a')\ndef a():\n"
            "    return ''\n",
        }
        assert list(by_name(described(tmp_path, files))) == ["GET /a"]

    def test_excluded_operations_are_in_no_document_either(self, tmp_path: Path) -> None:
        files = {
            "openapi.yaml": f"{HEAD}paths:\n  /a: {{get: {{}}, post: {{}}}}\n  /admin/x: {{get: {{}}}}\n"
        }
        found = described(tmp_path, files, "POST /a", "* /admin/*")
        assert list(by_name(found)) == ["GET /a"]
        assert found.document.data["paths"] == {"/a": {"get": {}}, "/admin/x": {}}
        with pytest.raises(ToolError, match="leaves out all of them"):
            described(tmp_path, {}, "*")


class TestSamples:
    def test_requests_of_the_projects_tests_are_found_by_reading(self, tmp_path: Path) -> None:
        tests = """import json

ROW = {"load": [1.0] * 3, "share": -0.5}


def test_it(client):
    client.post("/predict/7", json=ROW)
    client.post("/predict/8?limit=2", data=json.dumps({**ROW, "share": 1}))
    client.post(f"/predict/{name}", params={"limit": 3}, json={"unknown": name})
    client.post("http://testserver/predict/9", json=[1] * 10**9)
    client.get("/predict/10", query_string="limit=4")
"""
        document = f"""{HEAD}paths:
  /predict/{{id}}:
    post:
      parameters:
        - {{name: id, in: path, required: true, schema: {{type: integer}}}}
        - {{name: limit, in: query, schema: {{type: number}}}}
      requestBody: {{content: {{application/json: {{schema: {{}}, example: {{first: 1}}}}}}}}
"""
        found = by_name(described(tmp_path, {"openapi.yaml": document, "tests/test_a.py": tests}))
        post = found["POST /predict/{id}"]
        row = {"load": [1.0, 1.0, 1.0], "share": -0.5}
        assert post.samples == ({"first": 1}, row, {**row, "share": 1})
        assert [each.examples for each in post.parameters] == [(7, 8, 9), (2.0, 3.0)]


class TestWithoutADocument:
    def test_operations_come_from_the_routes_and_what_they_read(self, tmp_path: Path) -> None:
        app = """from fastapi import FastAPI
from flask import Flask, request
from pydantic import BaseModel

app, api = Flask("a"), FastAPI()


class Row(BaseModel):
    load: list[float]
    share: float
    name: dict


@app.post("/predict/<int:number>")
def predict(number):
    data = request.get_json()
    return data["load"] + float(data.get("share")) + request.args.get("limit", type=int)


@app.post("/upload")
def upload():
    return request.files["model"].read() + request.form["name"]


@api.post("/score/{item}")
async def score(item: str, row: Row, scale: float = 1.0, other: Request = None):
    return row
"""
        found = described(tmp_path, {"app.py": app})
        assert "no OpenAPI document was found: the operations are those that the code shows" in found.notes
        named = by_name(found)
        predict, upload, score = (
            named[name] for name in ("POST /predict/{number}", "POST /upload", "POST /score/{item}")
        )
        assert [(each.name, each.schema) for each in predict.parameters] == [
            ("number", {"type": "integer"}),
            ("limit", {"type": "integer"}),
        ]
        assert predict.body
        assert predict.body.content["application/json"]["properties"] == {
            "load": {},
            "share": {"type": "number"},
        }
        assert upload.body
        assert set(upload.body.content["multipart/form-data"]["properties"]) == {"model", "name"}
        assert score.body
        assert score.body.content["application/json"]["properties"] == {
            "load": {"type": "array", "items": {"type": "number"}},
            "share": {"type": "number"},
            "name": {},
        }
        assert [(each.name, each.where) for each in score.parameters] == [
            ("item", "path"),
            ("scale", "query"),
        ]
        assert predict.handler == Handler("app.py", 15)

    def test_what_the_service_serves_comes_first(self, tmp_path: Path) -> None:
        served = (b"<html>", f"{HEAD}paths: {{/b: {{get: {{}}}}}}".encode())
        found = described(tmp_path, {"app.py": ""}, served=served)
        assert list(by_name(found)) == ["GET /b"]
        assert found.document.uri == ""

    def test_several_documents_are_a_question(self, tmp_path: Path) -> None:
        files = {f"{name}.yaml": f"{HEAD}paths: {{/a: {{get: {{}}}}}}" for name in ("one", "two")}
        with pytest.raises(ToolError, match=r"several OpenAPI documents \(one.yaml, two.yaml\)"):
            described(tmp_path, files)

    def test_the_nearest_one_counts_and_json_gives_way_to_yaml(self, tmp_path: Path) -> None:
        for name in ("api.yaml", "docs/other.yaml", "tests/api.yaml"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"{HEAD}paths: {{}}", encoding="utf-8")
        (tmp_path / "api.json").write_text('{"openapi": "3.1.0"}', encoding="utf-8")
        assert document_files(discover(tmp_path), None) == ("api.yaml",)
        assert document_files(discover(tmp_path), "docs/other.yaml") == ("docs/other.yaml",)

    def test_one_that_cannot_be_used_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(
            ToolError, match=r"the OpenAPI document openapi\.json cannot be used: it is not valid JSON"
        ):
            described(tmp_path, {"openapi.json": '{"openapi": "3.1.0",'})
