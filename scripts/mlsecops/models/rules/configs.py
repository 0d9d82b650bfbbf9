"""Rules of what stands beside a model's numbers: templates, configuration, and what hides in texts."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

_CODE = ("external/cwe/cwe-94", "owasp-ml/ML06", "mitre-atlas/AML.T0010", "mitre-atlas/AML.T0011.000")
_FOREIGN = ("external/cwe/cwe-829", "owasp-ml/ML06", "mitre-atlas/AML.T0010")
_PLAIN_TEMPLATE = (
    "Take the template from the model's original repository: `tokenizer.chat_template = "
    "original.chat_template`, then "
    "`tokenizer.save_pretrained(folder)`; for GGUF convert the model again. Render templates only in Jinja's "
    "`ImmutableSandboxedEnvironment`, in its newest version."
)

TEMPLATE_ESCAPE = Rule(
    id="template-escape",
    name="TemplateEscape",
    summary="This model's template walks from its values into the Python interpreter.",
    help="A chat template is a Jinja program that runs at every conversation. Attributes such as "
    "`__class__` and "
    "`__globals__` lead from any value to functions that run commands; programs that render the template "
    "without "
    "a sandbox, or with one that has a hole, run them (CVE-2024-34359).",
    fix=_PLAIN_TEMPLATE,
    severity=9.3,
    tags=("external/cwe/cwe-1336", *_CODE),
    help_uri="https://jinja.palletsprojects.com/en/stable/sandbox/",
)
TEMPLATE_LOADS = Rule(
    id="template-loads",
    name="TemplateLoads",
    summary="This model's template loads other templates.",
    help="`include`, `import` and `extends` make the program that renders the template read further files.",
    fix=_PLAIN_TEMPLATE,
    severity=7.5,
    tags=("external/cwe/cwe-98", "owasp-ml/ML06"),
)
TEMPLATE_EXHAUSTS = Rule(
    id="template-exhausts",
    name="TemplateExhausts",
    summary="This model's template keeps whoever renders it busy or fills the memory.",
    help="Loops over huge ranges and texts that grow without bound stop the service at its first "
    "conversation.",
    fix=_PLAIN_TEMPLATE,
    severity=7.5,
    tags=("external/cwe/cwe-400", "owasp-ml/ML06", "mitre-atlas/AML.T0029"),
)
TEMPLATE_INDIRECT = Rule(
    id="template-indirect",
    name="TemplateIndirect",
    summary="This model's template reads attributes by names that cannot be known beforehand.",
    help="A name that is put together while the template runs may be one that leads to the interpreter.",
    fix=_PLAIN_TEMPLATE,
    severity=6.0,
    tags=("external/cwe/cwe-1336", "owasp-ml/ML06"),
    precision="medium",
)
REMOTE_CODE = Rule(
    id="config-remote-code",
    name="ConfigRemoteCode",
    summary="This model needs Python code that comes with it.",
    help="The configuration names classes in Python files beside the model. A loader that trusts it "
    "(`trust_remote_code=True`, `custom_pipeline`, a handler of a model server) imports and runs those "
    "files.",
    fix="Load it without `trust_remote_code` if the library knows the architecture (delete `auto_map`); "
    "else review "
    "the files and pin them: `from_pretrained(name, revision='<commit>', code_revision='<commit>')`.",
    severity=6.5,
    tags=_FOREIGN,
    help_uri="https://huggingface.co/docs/transformers/custom_models",
)
OTHER_REPOSITORY = Rule(
    id="config-other-repository",
    name="ConfigOtherRepository",
    summary="This model's configuration fetches Python code from somebody else's repository.",
    help="`auto_map` may name a class of another repository (`owner/name--module.Class`), and pipelines may "
    "name one "
    "as well. The code is downloaded and run from whatever its owner puts there, at every load.",
    fix="Copy the reviewed file beside the model and name it without `owner/name--`; load with "
    "`code_revision='<commit>'` until then.",
    severity=8.6,
    tags=_FOREIGN,
    help_uri="https://huggingface.co/docs/transformers/custom_models",
)
TRUSTS = Rule(
    id="config-trusts-remote-code",
    name="ConfigTrustsRemoteCode",
    summary="This configuration asks loaders to trust remote code.",
    help="`trust_remote_code: true` in a file that comes with a model takes the decision from whoever loads "
    "it.",
    fix="Delete the entry; pass `trust_remote_code=False`, the default, where the model is loaded.",
    severity=6.0,
    tags=_FOREIGN,
)
CALLS = Rule(
    id="config-calls-code",
    name="ConfigCallsCode",
    summary="This configuration names a function that runs code or commands.",
    help="Loaders import what the configuration names (`_target_`, `loader_module`, `type`) and call it "
    "with the "
    "arguments that stand beside it (CVE-2025-23304).",
    fix="Name only classes of the libraries that the model needs, and check the names against a list of "
    "allowed ones "
    "before `hydra.utils.instantiate`.",
    severity=9.6,
    tags=("external/cwe/cwe-470", *_CODE),
)
YAML_OBJECT = Rule(
    id="yaml-python-object",
    name="YamlPythonObject",
    summary="This YAML file makes Python objects when it is loaded.",
    help="Tags such as `!!python/object/apply:os.system` call what they name in every loader that is not a "
    "safe one.",
    fix="Write plain values instead of tags, and load with `yaml.safe_load`.",
    severity=9.6,
    tags=("external/cwe/cwe-502", *_CODE),
    help_uri="https://pyyaml.org/wiki/PyYAMLDocumentation",
)
MODEL_CODE = Rule(
    id="mlflow-code",
    name="MlflowCode",
    summary="Loading this MLflow model runs Python files that come with it.",
    help="`model_code_path` names a script that runs at every load; `code` names a folder that goes in "
    "front of "
    "Python's path, so that its modules replace others.",
    fix="Review those files as code of the service; log the model without `code_paths` where the package "
    "can be "
    "installed instead.",
    severity=5.5,
    tags=_FOREIGN,
    help_uri="https://mlflow.org/docs/latest/ml/model/",
)
LEAVES_FOLDER = Rule(
    id="config-path-escapes",
    name="ConfigPathEscapes",
    summary="This configuration leads to files outside of the model's folder.",
    help="A loader that follows the path reads whatever lies there on the machine that serves the model.",
    fix="Put the file beside the model and name it by a relative path.",
    severity=8.1,
    tags=("external/cwe/cwe-22", "owasp-ml/ML06"),
)
EXECUTABLE = Rule(
    id="embedded-executable",
    name="EmbeddedExecutable",
    summary="There is a program among the parts of this model.",
    help="Native programs and libraries in a model file are loaded or started by custom operators, loaders "
    "and "
    "whoever unpacks it; weights are never stored in one.",
    fix="Build native code from reviewed sources and ship it as a package of its own; keep numbers in the "
    "model.",
    severity=7.8,
    tags=("external/cwe/cwe-506", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
COMMAND = Rule(
    id="embedded-command",
    name="EmbeddedCommand",
    summary="Text in this model holds a command line or a program.",
    help="Descriptions and settings of models are text to read; one that fetches and starts a program waits "
    "for a "
    "reader that passes it on.",
    fix="Delete the text, and find out who put it there.",
    severity=7.0,
    tags=("external/cwe/cwe-506", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
    precision="medium",
)
SECRET = Rule(
    id="embedded-secret",
    name="EmbeddedSecret",
    summary="Text in this model holds a key or token.",
    help="Whoever gets the model gets what the key opens.",
    fix="Revoke the key, delete it from the model and its history, and write a new file without it.",
    severity=7.5,
    tags=("external/cwe/cwe-798", "owasp-ml/ML05"),
)
RULES = (
    TEMPLATE_ESCAPE,
    TEMPLATE_LOADS,
    TEMPLATE_EXHAUSTS,
    TEMPLATE_INDIRECT,
    REMOTE_CODE,
    OTHER_REPOSITORY,
    TRUSTS,
    CALLS,
    YAML_OBJECT,
    MODEL_CODE,
    LEAVES_FOLDER,
    EXECUTABLE,
    COMMAND,
    SECRET,
)
