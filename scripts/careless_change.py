"""One careless pull request, which must not get past the gate. For `scripts/demo` and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# Stage -> a rule that must be among its new findings.
EXPECTED: Mapping[str, str] = {
    "sca": "CVE-2019-11324",
    "sast": "github-token",
    "model": "model-runs-code",
    "container": "dockerfile-root-user",
    "dast": "dast-auth-ignored",
}
OLD_DEPENDENCY = "urllib3==1.24.1"
SCRIPT = '''"""Quick look at the new model."""

import pickle

from flask import Flask

{assignment}
app = Flask(__name__)


@app.get("/peek")
def peek() -> str:
    """Show what the model is."""
    with open("models/forecast-v2.pkl", "rb") as file:
        return repr(pickle.load(file))


if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)
'''


def apply(project: Path) -> tuple[str, ...]:
    """Change a copy of the example project; return one sentence per change.

    The pickle would print a line when loaded; nothing here loads it, and the token is made up.
    """
    requirements = project / "requirements.txt"
    requirements.write_text(f"{requirements.read_text(encoding='utf-8')}{OLD_DEPENDENCY}\n", encoding="utf-8")
    (project / "models" / "forecast-v2.pkl").write_bytes(b"cposix\nsystem\n(Vecho careless\ntR.")
    # In two parts, so that this file holds nothing that looks like a token.
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    script = SCRIPT.format(assignment=f'REGISTRY_TOKEN = "{token}"')
    (project / "peek.py").write_text(script, encoding="utf-8")
    dockerfile = project / "Dockerfile"
    lines = dockerfile.read_text(encoding="utf-8").splitlines(keepends=True)
    dockerfile.write_text("".join(line for line in lines if not line.startswith("USER ")), encoding="utf-8")
    application = project / "loadforecast" / "app.py"
    code = application.read_text(encoding="utf-8")
    application.write_text(code.replace('        _require("metrics")\n', ""), encoding="utf-8")
    return (
        f"requirements.txt: an old dependency ({OLD_DEPENDENCY})",
        "models/forecast-v2.pkl: a pickled model that runs code when it is loaded",
        "peek.py: pickle.load, debug=True on all addresses, a token in the code",
        "Dockerfile: nothing switches away from root",
        "loadforecast/app.py: GET /metrics asks nobody for a key",
    )
