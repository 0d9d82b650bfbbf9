"""The rules of our checks of built images."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

ROOT_USER = Rule(
    id="image-root-user",
    name="ImageRunsAsRoot",
    summary="The built image runs as root.",
    help="Whoever takes over a process of the service is root in the container: it can change the code and "
    "the model that it serves, and it is one kernel or runtime flaw away from root on the host.",
    fix="Switch to a user of its own in the final stage, such as `USER 10001:10001`, after the last step "
    "that needs root.",
    severity=7.5,
    tags=("external/cwe/cwe-250",),
    precision="very-high",
)
NO_HEALTHCHECK = Rule(
    id="image-no-healthcheck",
    name="ImageWithoutHealthcheck",
    summary="The built image does not say how to tell that the service is well.",
    help="Docker and Compose keep sending requests to a service that hangs. Kubernetes uses its own probes "
    "instead and ignores this.",
    fix='Add one, for instance `HEALTHCHECK CMD ["python", "-m", "app.health"]`.',
    severity=2.0,
    precision="very-high",
)
WRITABLE_CODE = Rule(
    id="image-writable-code",
    name="WritableCode",
    summary="The service's user can change the code or the model that it serves.",
    help="A flaw that writes one file becomes a flaw that runs code, and stays for as long as the container "
    "lives.",
    fix="Let root own code and models (the default of COPY), and run as another user. What the service has "
    "to write belongs in a folder of its own.",
    severity=5.5,
    tags=("external/cwe/cwe-732", "mitre-atlas/AML.T0018"),
)
SETUID = Rule(
    id="image-setuid-file",
    name="SetuidFile",
    summary="The image holds a setuid or setgid program that its base does not have.",
    help="Such a program runs with its owner's rights, whoever starts it: a way from the service's user to "
    "root.",
    fix="Take the bit away, `chmod a-s FILE`, or do not install the package; run containers with "
    "`no-new-privileges`.",
    severity=5.0,
    tags=("external/cwe/cwe-250",),
    precision="very-high",
)
SECRET_ENVIRONMENT = Rule(
    id="image-secret-in-environment",
    name="SecretInImageEnvironment",
    summary="The image's environment holds a secret.",
    help="Everyone who has the image can read it, and so can every process of every container.",
    fix="Revoke the secret. Give the new one to the container when it starts.",
    severity=8.5,
    tags=("external/cwe/cwe-798",),
)
SECRET_HISTORY = Rule(
    id="image-secret-in-history",
    name="SecretInImageHistory",
    summary="The image's history holds a secret.",
    help="`docker history` shows it to everyone who has the image.",
    fix="Revoke the secret. Give the new one to the build with `RUN --mount=type=secret,id=...`.",
    severity=8.5,
    tags=("external/cwe/cwe-798",),
)
SECRET_FILE = Rule(
    id="image-secret-file",
    name="SecretFileInBuiltImage",
    summary="A file of the image holds a secret.",
    help="Everyone who has the image can read it, and so can whoever takes over the service.",
    fix="Revoke the secret. Leave the file out of the image (`.dockerignore`), and mount the new one when "
    "the container starts.",
    severity=8.5,
    tags=("external/cwe/cwe-538",),
)
DELETED_SECRET = Rule(
    id="image-deleted-secret",
    name="SecretInLowerLayer",
    summary="A deleted file that is still in the image holds a secret.",
    help="Deleting a file in a later step hides it from containers; the layer before still holds it, and "
    "everyone who has the image has that layer.",
    fix="Revoke the secret. Use `RUN --mount=type=secret`, or another build stage, so that no layer that "
    "ships ever holds it.",
    severity=8.5,
    tags=("external/cwe/cwe-538",),
)
PACKAGE_MANAGER = Rule(
    id="image-package-manager",
    name="PackageManagerInImage",
    summary="The final image holds package managers.",
    help="Whoever takes over the service has a tool at hand that fetches and installs more.",
    fix="Install in a build stage and copy the result; start the final stage from an image without them, and "
    "make virtual environments with `--without-pip`.",
    severity=2.5,
    tags=("external/cwe/cwe-1125",),
)
COMPILER = Rule(
    id="image-compiler",
    name="CompilerInImage",
    summary="The final image holds compilers or build tools.",
    help="They make the image larger and more often out of date, and help whoever takes over the service.",
    fix="Compile in a build stage, and copy only the result into the final one.",
    severity=3.0,
    tags=("external/cwe/cwe-1125",),
)
UNSEEN_MODEL = Rule(
    id="image-unseen-model",
    name="ModelOnlyInImage",
    summary="The image holds a model file that is not in the repository.",
    help="Nobody reviewed it and no lock knows it: it came from somewhere else while the image was built, "
    "and may be another one next time.",
    fix="Keep the model in the repository or in a registry, and check its hash in the step that fetches it.",
    severity=5.0,
    tags=("external/cwe/cwe-494", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
HIDDEN_CONTENT = Rule(
    id="image-hidden-content",
    name="HiddenContentInImage",
    summary="Much of the image is content that later steps delete or replace.",
    help="It is downloaded with the image everywhere, and everyone who has the image can read it.",
    fix="Delete in the step that creates (`RUN apt-get install ... && rm -rf ...`), or use a build stage.",
    severity=1.0,
    tags=("external/cwe/cwe-1125",),
)
ENDED_SYSTEM = Rule(
    id="image-ended-distribution",
    name="DistributionWithoutUpdates",
    summary="The image's distribution gets no security updates any more.",
    help="Flaws that are found from now on stay in the image, and no scanner is told of them.",
    fix="Build on a release that is still supported.",
    severity=7.5,
    tags=("external/cwe/cwe-1104",),
    precision="very-high",
)

RULES: tuple[Rule, ...] = (
    ROOT_USER,
    NO_HEALTHCHECK,
    WRITABLE_CODE,
    SETUID,
    SECRET_ENVIRONMENT,
    SECRET_HISTORY,
    SECRET_FILE,
    DELETED_SECRET,
    PACKAGE_MANAGER,
    COMPILER,
    UNSEEN_MODEL,
    HIDDEN_CONTENT,
)
