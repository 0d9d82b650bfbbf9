"""What our own checks find in a Dockerfile, and what they must not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlsecops import dockerfiles
from mlsecops.dockerfiles.found import Surroundings
from mlsecops.dockerfiles.images import lifetimes, parse_image
from mlsecops.dockerfiles.rules import RULES
from mlsecops.sarif.build import Json
from mlsecops.tools.dockerfile_checks import DockerfileChecks, canary, parse

TODAY = date(2026, 11, 20)
# Sets off nothing but the low rules that nearly every Dockerfile does.
GOOD = 'FROM python:3.13-slim\nUSER 10001\nHEALTHCHECK CMD ["x"]\n'
ALWAYS = {"dockerfile-base-digest"}
SEVERITY = {rule.id: rule.severity for rule in RULES}


def results(text: str, files: dict[str, str] | None = None, uri: str = "Dockerfile") -> list[Json]:
    """Results of all checks over a Dockerfile in a repository with these other files."""
    known = files or {}
    around = Surroundings(uri=uri, files=frozenset(known), read=known.__getitem__, today=TODAY)
    return parse(dockerfiles.parse(text), around)


def found(text: str, files: dict[str, str] | None = None, uri: str = "Dockerfile") -> list[tuple[str, int]]:
    """Rule (without its prefix) and line of what is found behind the three lines of GOOD."""
    return [
        (each["ruleId"].removeprefix("dockerfile-"), _line(each) - GOOD.count("\n"))
        for each in results(GOOD + text, files, uri)
        if each["ruleId"] not in ALWAYS
    ]


def severities(text: str, rule: str, files: dict[str, str] | None = None) -> list[float]:
    """Severities of what one rule finds."""
    return [
        each.get("properties", {}).get("mlsecops", {}).get("severity", SEVERITY[rule])
        for each in results(text, files)
        if each["ruleId"] == rule
    ]


def _line(result: Json) -> int:
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert isinstance(line, int)
    return line


def test_a_good_dockerfile() -> None:
    digest = "sha256:" + "a" * 64
    assert found("") == []
    assert results(GOOD.replace("slim", f"slim@{digest}")) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('FROM x:1\nUSER "root"', 2),
        ("FROM x:1\nUSER '0'", 2),
        ("FROM python:3.13", 1),
        ("FROM python:3.13\nUSER root", 2),
        ("FROM python:3.13\nUSER app\nUSER 0:0", 3),
        ("FROM python:3.13\nUSER ROOT:app", 2),
        ("FROM python:3.13\nARG WHO=root\nUSER $WHO", 3),
        ("FROM python:3.13 AS a\nUSER app\nFROM a\nUSER root", 4),
        ("FROM python:3.13 AS a\nFROM a", 2),
        ("FROM python:3.13 AS a\nUSER root\nFROM a", 2),
        ("FROM python:3.13 AS a\nUSER app\nFROM python:3.13", 3),
        ("FROM python:3.13\nONBUILD USER app", 1),
        ("FROM python:3.13\nRUN <<EOF\nUSER app\nEOF", 1),
        ("ARG BASE\nFROM ${BASE}", 2),
        ("FROM scratch", 1),
    ],
)
def test_runs_as_root(text: str, line: int) -> None:
    assert [_line(each) for each in results(text) if each["ruleId"] == "dockerfile-root-user"] == [line]


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.13\nUSER root\nRUN x\nUSER app",
        "FROM python:3.13 AS a\nUSER app\nFROM a AS b\nFROM b",
        "FROM python:3.13 AS build\nUSER root\nFROM python:3.13\nUSER 1",
        "FROM python:3.13\nARG WHO\nUSER $WHO",
        "FROM registry.example.com/distroless/python3-debian12:nonroot",
        "FROM registry.example.com/jupyter/scipy-notebook:2026-01-01",
        "FROM nginxinc/nginx-unprivileged:1.29",
        "FROM registry.example.com/chainguard/python:3.13",
    ],
)
def test_does_not_run_as_root(text: str) -> None:
    assert "dockerfile-root-user" not in {each["ruleId"] for each in results(text)}


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("FROM a", ["base-digest", "base-tag"]),
        ("FROM localhost:5000/a/b", ["base-digest", "base-tag"]),
        ("FROM a:latest", ["base-digest", "base-tag"]),
        ("FROM a:1", ["base-digest"]),
        ("FROM a@sha256:b", []),
        ("FROM scratch", []),
        ("FROM --platform=$BUILDPLATFORM a:1@sha256:b", []),
        ("ARG T=latest\nFROM a:${T}", ["base-digest", "base-tag"]),
        ("ARG T\nFROM a:${T}", []),
        ("FROM a@sha256:b AS c\nFROM c\nCOPY --from=0 x y\nCOPY --from=c x y", []),
        ("FROM a@sha256:b\nCOPY --from=c:latest x y", ["base-digest", "base-tag"]),
        ("FROM a@sha256:b\nRUN --mount=type=bind,from=c,target=/c x", ["base-digest", "base-tag"]),
    ],
)
def test_base_images(text: str, rules: list[str]) -> None:
    names = sorted(each["ruleId"].removeprefix("dockerfile-") for each in results(text))
    assert [name for name in names if name.startswith("base-")] == rules


@pytest.mark.parametrize(
    ("reference", "products"),
    [
        ("python:3.8-slim-buster", ["Python 3.8", "Debian 10"]),
        ("python:3.10.4", ["Python 3.10.4"]),
        ("registry.example.com/library/python:3.9", ["Python 3.9"]),
        ("mirror.example.com/docker/library/python:3.9", ["Python 3.9"]),
        ("python:2", ["Python 2"]),
        ("python:3", []),
        ("python:3.11-slim-bookworm", []),
        ("python:latest", []),
        ("python", []),
        ("example.com/python-tools:3.8", []),
        ("ubuntu:17.10", ["Ubuntu 17.10"]),
        ("ubuntu:focal-20240101", ["Ubuntu 20.04"]),
        ("debian:bullseye-slim", ["Debian 11"]),
        ("nvidia/cuda:11.8.0-devel-ubuntu20.04", ["CUDA 11.8.0", "Ubuntu 20.04"]),
        ("registry.example.com/nvidia/cuda:13.0.1-base-ubuntu2204", []),
        ("registry.example.com/distroless/python3-debian10", ["Debian 10"]),
        ("node:20-alpine3.18", ["Node.js 20", "Alpine Linux 3.18"]),
        ("node:lts", []),
        ("alpine:3.2", ["Alpine Linux 3.2"]),
        ("alpine:3.99", []),
        ("centos:stream8", ["CentOS Stream 8"]),
        ("amazonlinux:2018.03", ["Amazon Linux 2018.03"]),
        ("tensorflow/tensorflow:1.15.5-gpu-py3", ["TensorFlow 1.15.5"]),
        ("pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime", []),
    ],
)
def test_end_of_life(reference: str, products: list[str]) -> None:
    ended = lifetimes().ended(parse_image(reference), TODAY)
    assert [f"{each.product} {each.version}" for each in ended] == products


def test_end_of_life_comes_on_its_day() -> None:
    image = parse_image("python:3.10")
    assert lifetimes().ended(image, date(2026, 10, 31)) == []
    assert len(lifetimes().ended(image, date(2026, 11, 1))) == 1


def test_end_of_life_weighs_more_where_it_ships() -> None:
    text = "FROM python:3.8 AS build\nFROM python:3.9\nUSER 1"
    assert severities(text, "dockerfile-end-of-life") == [5.0, 7.5]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("FROM a:1", [1]),
        ("FROM a:1\nHEALTHCHECK NONE", [2]),
        ("FROM a:1\nHEALTHCHECK --interval=5s CMD x", []),
        ("FROM a:1 AS b\nHEALTHCHECK CMD x\nFROM b", []),
        ("FROM a:1 AS b\nHEALTHCHECK CMD x\nFROM a:1", [3]),
    ],
)
def test_healthcheck(text: str, lines: list[int]) -> None:
    assert [_line(each) for each in results(text) if each["ruleId"] == "dockerfile-no-healthcheck"] == lines


@pytest.mark.parametrize("ports", ["22", "8080 22/tcp", "127.0.0.1:22"])
def test_ssh_port(ports: str) -> None:
    assert found(f"EXPOSE {ports}") == [("ssh-port", 1)]


@pytest.mark.parametrize("ports", ["2222", "22/udp", "220", "8022"])
def test_other_ports(ports: str) -> None:
    assert found(f"EXPOSE {ports}") == []


TOKEN = "gh" + "p_" + "a1B2" * 9
KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ENV API_KEY=a1b2c3d4e5", 1),
        ("ENV A=1 \\\n  DB_PASSWORD='pa ss'", 2),
        ("ENV db_password secret words", 1),
        ("ARG HF_TOKEN=a1b2c3d4e5", 1),
        ("ARG AWS_ACCESS_KEY_ID=a1b2c3d4e5", 1),
        ("ONBUILD ENV SECRET_KEY=a1b2c3d4e5", 1),
        (f"ENV X={TOKEN}", 1),
        (f"LABEL x={TOKEN}", 1),
        (f"RUN echo hi \\\n  && login {TOKEN}", 2),
        (f"RUN <<E\nhi\necho {TOKEN}\nE", 3),
        (f"COPY <<E /key\n{KEY}\nE", 2),
        ("RUN export WANDB_API_KEY=a1b2c3d4e5", 1),
        ("RUN --mount=type=ssh PGPASSWORD='a1b2c3d4e5' psql", 1),
        ("RUN x --password=a1b2c3d4e5", 1),
        ("RUN huggingface-cli login --token a1b2c3d4e5", 1),
        ("RUN echo 'root:a1b2c3d4e5' | chpasswd", 1),
        ("RUN git clone https://me:a1b2c3d4e5@example.com/x", 1),
        ('CMD ["sh", "-c", "TOKEN=a1b2c3d4e5 serve"]', 1),
    ],
)
def test_secrets(text: str, line: int) -> None:
    assert found(text) == [("secret", line)]


def test_no_message_holds_the_secret() -> None:
    for result in results(f"{GOOD}ENV API_KEY=a1b2c3d4e5\nRUN x --token=a1b2c3d4e5 {TOKEN}"):
        assert "a1b2" not in str(result)
        assert TOKEN not in str(result)


@pytest.mark.parametrize(
    "text",
    [
        "ENV TOKENIZERS_PARALLELISM=false",
        "ENV MAX_TOKENS=4096 TOKEN_LIMIT=12 PASSWORD_FILE=/run/secrets/x",
        "ENV API_KEY=$OTHER SECRET_KEY=${OTHER}",
        "ENV API_KEY= TOKEN=changeme PASSWORD=<your-password> SECRET=xxxx",
        "ENV TOKEN_MODE=strict PASSWORD_POLICY=strong SECRET_STORE=vault",
        "ENV PWD=/app OLDPWD=/x KEYBOARD=de MONKEY=a1b2c3d4e5",
        "RUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) x",
        'RUN x --token=$TOKEN --password "$PASSWORD"',
        "RUN git clone https://$USER:$TOKEN@example.com/x https://example.com/a@b:c",
        "LABEL token=a1b2c3d4e5",
    ],
)
def test_no_secrets(text: str) -> None:
    assert found(text) == []


def test_secret_arguments() -> None:
    assert found("ARG GITHUB_TOKEN\nARG VERSION\nARG PASSWORD=") == [
        ("secret-argument", 1),
        ("secret-argument", 3),
    ]


@pytest.mark.parametrize(
    "source",
    [".env", "./.env.prod", "id_rsa", "conf/server.key", ".netrc", "credentials.json", "root/.aws", ".ssh/",
     "service-account-prod.json", "secrets.yml", "kaggle.json", "my-private-key.pem"],
)  # fmt: skip
def test_secret_files(source: str) -> None:
    assert found(f"COPY {source} /x/") == [("secret-file", 1)]
    assert found(f'ADD ["a", "{source}", "/x/"]') == [("secret-file", 1)]
    assert found(f"COPY --from=build {source} /x/")[-1] == ("secret-file", 1)


@pytest.mark.parametrize("source", [".env.example", "env", "key.py", "ca.pem", "monkey", "a", "secrets.py"])
def test_other_files(source: str) -> None:
    assert found(f"COPY {source} /.env") == []


@pytest.mark.parametrize(
    ("source", "severity"),
    [
        ("http://example.com/x", 7.0),
        ("https://example.com/x.tar.gz", 7.0),
        ("https://github.com/a/b.git", 5.0),
        ("https://github.com/a/b.git#main", 5.0),
        ("git@github.com:a/b.git", 5.0),
        ("${SITE}/x", 7.0),
    ],
)
def test_add_url(source: str, severity: float) -> None:
    assert severities(f"{GOOD}ARG SITE=https://example.com\nADD {source} /x", "dockerfile-add-url") == [
        severity
    ]


@pytest.mark.parametrize(
    "text",
    [
        "ADD --checksum=sha256:aa https://example.com/x /x",
        f"ADD https://github.com/a/b.git#{'a' * 40} /x",
        f"ADD https://github.com/a/b.git#{'a' * 40}:sub /x",
        "ADD x.tar.gz /x",
    ],
)
def test_add_is_pinned_or_local(text: str) -> None:
    assert found(text) == []


PIPED = "pipe-to-shell"


@pytest.mark.parametrize(
    "text",
    [
        "RUN curl -fsSL https://example.com/x | sh",
        "RUN curl 'https://example.com/x?a=1&b=2' 2>&1 | FOO=1 sudo -E /bin/bash -s -- -y",
        "RUN wget -qO- https://example.com/x|bash",
        "RUN curl https://example.com/x | gunzip | sh -e",
        "RUN curl https://example.com/x | python3 -",
        "RUN (a; curl https://example.com/x) | sh",
        'RUN sh -c "$(curl -fsSL https://example.com/x)"',
        "RUN bash <(curl -s https://example.com/x)",
        'RUN eval "`wget -qO- https://example.com/x`"',
        "RUN . <(curl -s https://example.com/x)",
        "RUN bash -c 'curl https://example.com/x | sh'",
        'RUN ["bash", "-c", "curl https://example.com/x | sh"]',
        "ONBUILD RUN curl https://example.com/x | sh",
        'CMD ["sh", "-c", "curl https://example.com/x | sh"]',
    ],
)
def test_pipe_to_shell(text: str) -> None:
    assert (PIPED, 1) in found(text)


def test_pipe_to_shell_stands_on_its_line() -> None:
    assert found("RUN a \\\n  && b \\\n  && curl x \\\n  | sh") == [(PIPED, 4)]
    assert found("RUN <<E\na\n# curl x | sh\ncurl x | sh\nE") == [(PIPED, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "RUN curl https://example.com/x -o x || sh y",
        "RUN curl https://example.com/x | tar -xz; sh y",
        "RUN curl https://example.com/x | python -m json.tool",
        "RUN curl https://example.com/x | perl -ne 'print'",
        "RUN echo 'curl x | sh'",
        "RUN curl https://example.com/x | gpg --dearmor > /x && sh y",
        "RUN cat <<E > /x\ncurl x | sh\nE",
        "RUN apt-get install -y curl bash",
    ],
)
def test_no_pipe_to_shell(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("RUN wget https://example.com/run.sh && bash run.sh", 1),
        ("RUN curl -fsSLo /tmp/x.sh https://example.com/x \\\n && sh /tmp/x.sh -b", 2),
        ("RUN curl -O https://example.com/get.py && python3 get.py", 1),
        ("RUN wget https://example.com/x -O x && chmod +x x && ./x", 1),
    ],
)
def test_unverified_download(text: str, line: int) -> None:
    assert found(text) == [("unverified-download", line)]
    checked = text.replace(" && ", " && echo 'aa  x' | sha256sum -c - && ", 1)
    assert found(checked) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("RUN wget http://example.com/x", "plain-http"),
        ("RUN git clone http://example.com/x.git", "plain-http"),
        ("RUN pip install http://example.com/x.whl", "plain-http"),
        ("RUN pip install -i http://example.com/simple x", "plain-http"),
        ("ENV PIP_INDEX_URL=http://example.com/simple", "plain-http"),
        ("RUN curl -fo /m http://example.com/model.onnx", "model-over-http"),
        ("RUN wget http://example.com/a/model.pkl?raw=1", "model-over-http"),
        ("RUN curl -k https://example.com", "tls-off"),
        ("RUN curl -fsSLk https://example.com", "tls-off"),
        ("RUN curl --insecure https://example.com", "tls-off"),
        ("RUN wget --no-check-certificate https://example.com", "tls-off"),
        ("RUN git -c http.sslVerify=false clone https://example.com", "tls-off"),
        ("RUN git config --global http.sslverify false", "tls-off"),
        ("RUN npm config set strict-ssl false", "tls-off"),
        ("RUN conda config --set ssl_verify false", "tls-off"),
        ("RUN GIT_SSL_NO_VERIFY=1 git clone https://example.com", "tls-off"),
        ("RUN pip install --trusted-host example.com x", "tls-off"),
        ("ENV PYTHONHTTPSVERIFY=0", "tls-off"),
        ("ENV NODE_TLS_REJECT_UNAUTHORIZED=0", "tls-off"),
        ("ENV CURL_CA_BUNDLE=", "tls-off"),
        ("ARG PIP_TRUSTED_HOST=example.com", "tls-off"),
        ("RUN apt-get install -y --allow-unauthenticated x", "unsigned-packages"),
        ("RUN apk add --allow-untrusted x", "unsigned-packages"),
        ("RUN dnf install -y --nogpgcheck x", "unsigned-packages"),
        ("RUN echo 'deb [arch=amd64 trusted=yes] https://example.com x main' > /x", "unsigned-packages"),
        ("RUN pip install --extra-index-url https://example.com/simple x", "extra-index"),
        ("ENV PIP_EXTRA_INDEX_URL=https://example.com/simple", "extra-index"),
        ("RUN chmod -R 777 /app", "world-writable"),
        ("RUN chmod a+rwx /app", "world-writable"),
        ("RUN chmod o+w /app", "world-writable"),
        ("COPY --chmod=0666 x /x", "world-writable"),
        ("RUN sudo apt-get update", "sudo"),
        ("RUN x && sudo -u y z", "sudo"),
        ("RUN echo 'x ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/x", "sudo"),
        ("RUN --security=insecure x", "privileged"),
        ("RUN docker run --privileged x", "privileged"),
        ("RUN --network=host x", "privileged"),
        ("RUN wget http://169.254.169.254/latest/meta-data/iam", "privileged"),
        ("RUN python -c 'import urllib; urllib.get(\"http://metadata.google.internal/\")'", "privileged"),
        ("RUN hf download a/b", "unpinned-model"),
        ("RUN huggingface-cli download a/b --revision main", "unpinned-model"),
    ],
)
def test_commands_and_settings(text: str, rule: str) -> None:
    assert found(text) == [(rule, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "RUN wget https://example.com/x && curl http://localhost:8080/x http://127.0.0.1/x",
        "RUN wget http://example.com/x && echo 'aa  x' | sha256sum -c -",
        "RUN echo http://example.com/x",
        "ENV PIP_INDEX_URL=http://localhost:3141/root",
        "RUN curl -o k -H 'k: k' https://example.com/k",
        "RUN kubectl -k x",
        "ENV PYTHONHTTPSVERIFY=1 CURL_CA_BUNDLE=/etc/ssl/ca.pem",
        "RUN echo 'deb [signed-by=/x] https://example.com x main' > /x",
        "RUN pip install --require-hashes --extra-index-url https://example.com/simple -r x",
        "RUN chmod 755 /app && chmod 1777 /tmp && chmod 640 /x",
        "RUN chmod u+w /x && chmod +x /y && chmod g+w /z",
        "COPY --chmod=755 x /x",
        "RUN apt-get install -y sudo && echo sudo",
        "RUN --security=sandbox x",
        "RUN docker run x",
        f"RUN hf download a/b --revision {'a' * 40}",
        f"RUN hf download a/b --revision={'a' * 40}",
        "RUN hf auth whoami",
    ],
)
def test_harmless_commands_and_settings(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("files", "severity"),
    [
        ({}, [5.0]),
        ({".dockerignore": ".git\n"}, [3.5]),
        ({".dockerignore": ".git\n.env*\n"}, []),
        ({".dockerignore": "*\n!src\n"}, []),
        ({".dockerignore": ".git\n", ".env": ""}, [7.5]),
        ({".env": ""}, [7.5]),
        ({".dockerignore": ".git\n.env\n", ".env": ""}, []),
        ({"Dockerfile.dockerignore": ".git\n.env\n"}, []),
        ({"Dockerfile.dockerignore": "x\n", ".dockerignore": ".git\n.env\n"}, [3.5]),
    ],
)
def test_whole_context(files: dict[str, str], severity: list[float]) -> None:
    for copy in ("COPY . .", "COPY ./ /app/", "ADD . /app", 'COPY ["*", "/app/"]'):
        assert severities(GOOD + copy, "dockerfile-copy-all", files) == severity


def test_whole_context_of_a_folder() -> None:
    text = GOOD + "COPY . ."
    outside = {".env": "", "docker/.dockerignore": ".git\n.env\n", "docker2/.env": ""}
    assert [each["ruleId"] for each in results(text, outside, "docker/Dockerfile")] == [
        "dockerfile-base-digest"
    ]
    inside = results(text, {"docker/keys/id_rsa": ""}, "docker/Dockerfile")[-1]
    assert inside["message"]["text"].endswith("with it keys/id_rsa.")


@pytest.mark.parametrize("text", ["COPY src .", "COPY --from=build . .", "COPY .. ."])
def test_part_of_the_context(text: str) -> None:
    assert "copy-all" not in dict(found("FROM x:1 AS build\nUSER 1\n" + text))


@pytest.mark.parametrize(
    "text",
    [
        "# mlsecops ignore=dockerfile-sudo our own build host\nRUN sudo x",
        "# mlsecops ignore=dockerfile-ssh-port,dockerfile-sudo our own build host\n# more\nRUN sudo x",
        "RUN a && \\\n  # mlsecops ignore=dockerfile-sudo our own build host\n  sudo x",
    ],
)
def test_a_comment_suppresses(text: str) -> None:
    (result,) = (each for each in results(GOOD + text) if each["ruleId"] == "dockerfile-sudo")
    assert result["suppressions"] == [{"kind": "inSource", "justification": "our own build host"}]


@pytest.mark.parametrize(
    "text",
    [
        "# mlsecops ignore=dockerfile-sudo\nRUN sudo x",
        "# mlsecops ignore=dockerfile-ssh-port because\nRUN sudo x",
        "# mlsecops ignore=dockerfile-sudo because\n\nRUN sudo x",
        "# mlsecops ignore=dockerfile-sudo because\nRUN y\nRUN sudo x",
        "RUN <<E\n# mlsecops ignore=dockerfile-sudo because\nsudo x\nE",
    ],
)
def test_a_comment_does_not_suppress(text: str) -> None:
    (result,) = (each for each in results(GOOD + text) if each["ruleId"] == "dockerfile-sudo")
    assert "suppressions" not in result


def test_identities() -> None:
    """What hadolint finds too has an identity; whatever stands on FROM must not be one finding."""
    same = results("FROM debian:latest")
    identities = [tuple(each["properties"]["mlsecops"]["identity"]) for each in same]
    assert len(set(identities)) == len(identities) == 4
    assert ("dockerfile", "dockerfile-root-user", "Dockerfile") in identities
    assert ("dockerfile", "dockerfile-base-tag", "Dockerfile", "", "debian") in identities


def test_the_canary_sets_off_every_rule() -> None:
    assert canary(TODAY) == DockerfileChecks().canary_rules == {rule.id for rule in RULES}


def test_rules_are_complete() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.tags or rule.id == "dockerfile-no-healthcheck" for rule in RULES)
    blocking = {rule.id.removeprefix("dockerfile-") for rule in RULES if rule.severity >= 7.0}
    assert {"root-user", "secret", "secret-file", "pipe-to-shell", "add-url", "end-of-life"} <= blocking
    assert not {"base-tag", "base-digest", "no-healthcheck", "copy-all"} & blocking


_TEXTS = st.sampled_from(
    [
        "FROM python:3.8",
        "RUN curl x | sh",
        "ENV TOKEN=",
        "COPY . .",
        "USER ",
        "\\",
        "\n",
        "<<E",
        "E",
        "'",
        '"',
        "$(",
    ]
)


@given(st.lists(_TEXTS | st.text(max_size=4), max_size=20).map("".join))
def test_any_text_is_checked(text: str) -> None:
    lines = len(dockerfiles.parse(text).lines)
    assert all(1 <= _line(each) <= lines for each in results(text))
