"""The rules of our own Dockerfile checks."""

from __future__ import annotations

from mlsecops.sarif.build import Rule

ROOT_USER = Rule(
    id="dockerfile-root-user",
    name="RootUser",
    summary="The container runs as root.",
    help="Whoever takes over a process of the service is root in the container: it can change the code and "
    "the model that it serves, and it is one kernel or runtime flaw away from root on the host.",
    fix="Create a user and switch to it in the final stage, for instance `RUN useradd --system --uid 10001 "
    "app` and, after the last step that needs root, `USER 10001`.",
    severity=7.5,
    tags=("external/cwe/cwe-250",),
)
SECRET = Rule(
    id="dockerfile-secret",
    name="SecretInDockerfile",
    summary="A secret stands in the Dockerfile.",
    help="The value is in the repository, in the image's history and, from ENV, in the environment of every "
    "container. Deleting it in a later step takes it out of none of them.",
    fix="Revoke the secret. Give the new one to the build with `RUN --mount=type=secret,id=...`, or to the "
    "container when it starts.",
    severity=8.5,
    tags=("external/cwe/cwe-798",),
)
SECRET_ARGUMENT = Rule(
    id="dockerfile-secret-argument",
    name="SecretAsBuildArgument",
    summary="A secret is passed as a build argument.",
    help="Values of ARG stay in the image's history: `docker history` shows them to everyone who has the "
    "image.",
    fix="Use a build secret, `RUN --mount=type=secret,id=...`, which leaves no trace in the image.",
    severity=5.0,
    tags=("external/cwe/cwe-522",),
    precision="medium",
)
SECRET_FILE = Rule(
    id="dockerfile-secret-file",
    name="SecretFileInImage",
    summary="A file that usually holds secrets is copied into the image.",
    help="Everyone who has the image can read the file, even when a later step deletes it.",
    fix="Leave the file out of the image; mount it as a build secret (`RUN --mount=type=secret`) or when the "
    "container starts.",
    severity=8.0,
    tags=("external/cwe/cwe-538",),
)
BASE_TAG = Rule(
    id="dockerfile-base-tag",
    name="BaseImageWithoutVersion",
    summary="An image is used without a version, or by its tag `latest`.",
    help="Every build may get another image, so that nobody knows what was tested and what ships.",
    fix="Name a version, and better its digest too: `FROM python:3.13-slim@sha256:...`.",
    severity=5.0,
    tags=("external/cwe/cwe-1357",),
)
BASE_DIGEST = Rule(
    id="dockerfile-base-digest",
    name="BaseImageWithoutDigest",
    summary="An image is not pinned by its digest.",
    help="Tags can be moved, by mistake or by whoever takes over the registry account.",
    fix="Pin the digest, `FROM python:3.13-slim@sha256:...`, and let Dependabot or Renovate move it on.",
    severity=2.0,
    tags=("external/cwe/cwe-494",),
)
END_OF_LIFE = Rule(
    id="dockerfile-end-of-life",
    name="EndOfLifeBaseImage",
    summary="A base image gets no security updates any more.",
    help="Flaws that are found from now on stay in the image, however often it is built anew.",
    fix="Move to a release that is still maintained.",
    severity=7.5,
    tags=("external/cwe/cwe-1104",),
)
ADD_URL = Rule(
    id="dockerfile-add-url",
    name="AddFromUrlWithoutChecksum",
    summary="ADD downloads a file without a checksum.",
    help="Whatever the server sends at build time becomes part of the image.",
    fix="Give the checksum, `ADD --checksum=sha256:... URL PATH`; for a repository, the commit behind `#`.",
    severity=7.0,
    tags=("external/cwe/cwe-494",),
)
PIPE_TO_SHELL = Rule(
    id="dockerfile-pipe-to-shell",
    name="DownloadPipedToInterpreter",
    summary="A download is piped into a shell or an interpreter.",
    help="Code of a stranger runs with the rights of the build, unseen and different at any time; a broken "
    "connection runs half of it.",
    fix="Download to a file, compare its checksum with a pinned one, then run it; or install a pinned "
    "package.",
    severity=8.0,
    tags=("external/cwe/cwe-494",),
)
UNVERIFIED_RUN = Rule(
    id="dockerfile-unverified-download",
    name="UnverifiedDownloadIsRun",
    summary="A downloaded file is run without a check of its content.",
    help="Whatever the server sends at build time runs with the rights of the build.",
    fix="Compare the file with a pinned checksum before it runs: `echo '<sha256>  <file>' | sha256sum -c -`.",
    severity=5.5,
    tags=("external/cwe/cwe-494",),
    precision="medium",
)
PLAIN_HTTP = Rule(
    id="dockerfile-plain-http",
    name="DownloadOverPlainHttp",
    summary="A file or package is downloaded over plain HTTP.",
    help="Anyone on the way can replace what ends up in the image.",
    fix="Use HTTPS, and compare the file with a pinned checksum.",
    severity=7.0,
    tags=("external/cwe/cwe-319",),
)
MODEL_OVER_HTTP = Rule(
    id="dockerfile-model-over-http",
    name="ModelOverPlainHttp",
    summary="A model is downloaded over plain HTTP.",
    help="Anyone on the way can replace the model; in many formats a model is code that runs when it is "
    "loaded.",
    fix="Use HTTPS from a source that you trust, and compare the model with a pinned checksum.",
    severity=8.0,
    tags=("external/cwe/cwe-319", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
UNPINNED_MODEL = Rule(
    id="dockerfile-unpinned-model",
    name="UnpinnedModelDownload",
    summary="A model is downloaded from a hub without a pinned commit.",
    help="The owner of the repository, or whoever takes it over, decides which model the next build ships.",
    fix="Pin the full commit: `--revision <40 hexadecimal digits>`.",
    severity=5.0,
    tags=("external/cwe/cwe-494", "owasp-ml/ML06", "mitre-atlas/AML.T0010"),
)
TLS_OFF = Rule(
    id="dockerfile-tls-off",
    name="CertificateChecksOff",
    summary="The check of certificates or host keys is switched off.",
    help="Anyone on the way can replace what is downloaded, as over plain HTTP.",
    fix="Remove the switch; add the certificate of a private server or proxy to the image's trust store.",
    severity=7.4,
    tags=("external/cwe/cwe-295",),
)
UNSIGNED_PACKAGES = Rule(
    id="dockerfile-unsigned-packages",
    name="UnsignedPackages",
    summary="Packages are installed without a check of their signatures.",
    help="A mirror, or anyone who takes it over, can put any package into the image.",
    fix="Remove the switch; install the repository's key and name it with `signed-by`.",
    severity=7.0,
    tags=("external/cwe/cwe-347",),
)
EXTRA_INDEX = Rule(
    id="dockerfile-extra-index",
    name="ExtraPackageIndex",
    summary="pip may take any package from either of two indexes.",
    help="pip takes the highest version that any index has: a stranger who registers the name of an internal "
    "package on the public index gets installed (dependency confusion).",
    fix="Use one index, or pin versions with hashes (`--require-hashes`); uv binds a package to one index.",
    severity=5.0,
    tags=("external/cwe/cwe-427",),
    precision="medium",
)
WORLD_WRITABLE = Rule(
    id="dockerfile-world-writable",
    name="WorldWritable",
    summary="Files are made writable for everyone.",
    help="Any process in the container, also one that was taken over, can change them: code, configuration, "
    "model.",
    fix="Give the files to the user that needs them (`COPY --chown`) and no more rights than it needs.",
    severity=5.5,
    tags=("external/cwe/cwe-732",),
)
SUDO = Rule(
    id="dockerfile-sudo",
    name="Sudo",
    summary="sudo is used in the image.",
    help="The build is root where it has to be; sudo in the image only helps whoever takes over the service.",
    fix="Do what needs root before the switch to `USER`, and leave sudo out of the image.",
    severity=4.0,
    tags=("external/cwe/cwe-250",),
)
PRIVILEGED = Rule(
    id="dockerfile-privileged",
    name="PrivilegedBuildStep",
    summary="A build step runs without the isolation of the build.",
    help="Such a step can reach the host: its devices, its kernel or its Docker daemon.",
    fix="Do without `--security=insecure`, `--network=host` and `--privileged`; most steps need none.",
    severity=7.5,
    tags=("external/cwe/cwe-250",),
)
SSH_PORT = Rule(
    id="dockerfile-ssh-port",
    name="SshPort",
    summary="The image offers SSH.",
    help="A second way into the container, with its own passwords, keys and flaws.",
    fix="Remove the SSH server; `docker exec` or `kubectl exec` do the same with the platform's own rights.",
    severity=4.5,
    tags=("external/cwe/cwe-668",),
)
NO_HEALTHCHECK = Rule(
    id="dockerfile-no-healthcheck",
    name="NoHealthcheck",
    summary="The image does not say how to tell that the service is well.",
    help="Docker and Compose keep sending requests to a service that hangs. Kubernetes uses its own probes "
    "instead and ignores this.",
    fix='Add one, for instance `HEALTHCHECK CMD ["python", "-m", "app.health"]`.',
    severity=2.0,
)
COPY_ALL = Rule(
    id="dockerfile-copy-all",
    name="WholeContextCopied",
    summary="The whole build context is copied, and nothing keeps secrets out of it.",
    help="What lies in the folder on the day of the build ends up in the image: `.git` with its history, "
    "`.env` with its secrets, data.",
    fix="Add a `.dockerignore` that leaves out at least `.git` and `.env*`, or copy what is needed by name.",
    severity=5.0,
    tags=("external/cwe/cwe-538",),
)

RULES: tuple[Rule, ...] = (
    ROOT_USER,
    SECRET,
    SECRET_ARGUMENT,
    SECRET_FILE,
    BASE_TAG,
    BASE_DIGEST,
    END_OF_LIFE,
    ADD_URL,
    PIPE_TO_SHELL,
    UNVERIFIED_RUN,
    PLAIN_HTTP,
    MODEL_OVER_HTTP,
    UNPINNED_MODEL,
    TLS_OFF,
    UNSIGNED_PACKAGES,
    EXTRA_INDEX,
    WORLD_WRITABLE,
    SUDO,
    PRIVILEGED,
    SSH_PORT,
    NO_HEALTHCHECK,
    COPY_ALL,
)
