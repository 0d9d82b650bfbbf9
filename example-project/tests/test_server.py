from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from loadforecast import healthcheck, server
from loadforecast.settings import Settings


@pytest.fixture
def port(settings: Settings) -> Iterator[int]:
    """The port of a server that runs in a thread."""
    sockets: dict[int, Any] = {}
    running = server.build(settings, sockets)
    thread = threading.Thread(target=running.run)
    thread.start()
    yield running.effective_port
    pulled = threading.Event()

    def close() -> None:
        # a loop that is awake comes here before the trigger is pulled: closed now, the pull fails
        pulled.wait(timeout=5)
        wasyncore.close_all(sockets)

    # in the server's own thread: it returns from run() when nothing is left to wait for
    running.trigger.pull_trigger(close)
    pulled.set()
    thread.join(timeout=10)
    running.task_dispatcher.shutdown()
    assert not thread.is_alive()


def ask(
    port: int, path: str, content: bytes, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("POST", path, content, headers)
        answer = connection.getresponse()
        return answer, answer.read()


def test_a_forecast_over_a_real_socket(
    port: int, hotel: dict[str, str], body: dict[str, Any]
) -> None:
    headers = {"Content-Type": "application/json", **hotel}
    answer, content = ask(port, "/forecast", json.dumps(body).encode(), headers)
    assert answer.status == 200
    assert json.loads(content)["forecast_kw"] > 0
    assert answer.getheader("Server") is None


def test_the_size_limits_over_a_real_socket(port: int, hotel: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", **hotel}
    answer, content = ask(port, "/forecast", b" " * 40_000, headers)
    assert answer.status == 413
    assert json.loads(content)["title"]
    # the server's own limit answers before any of the body is sent
    answer, _ = ask(port, "/forecast", b"", {**headers, "Content-Length": "1200000"})
    assert answer.status == 413


def test_a_body_without_a_length_is_limited_too(port: int, hotel: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {"Content-Type": "application/json", **hotel}
    with contextlib.closing(connection):
        chunks = (b" " * 1000 for _ in range(40))
        connection.request("POST", "/forecast", chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_a_name_may_stand_for_two_addresses(app: Flask) -> None:
    sockets: dict[int, Any] = {}
    running = create_server(app, sockets, listen="127.0.0.1:0 127.0.0.2:0")
    try:
        assert [host for host, _ in server.listening(running)] == ["127.0.0.1", "127.0.0.2"]
    finally:
        running.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


def test_the_container_asks_for_health(port: int) -> None:
    assert healthcheck.main({"LOADFORECAST_LISTEN_PORT": str(port)}) == 0


@pytest.mark.parametrize("nowhere", ["closed", "not a number"])
def test_the_container_is_told_when_nothing_answers(nowhere: str) -> None:
    if nowhere == "closed":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nowhere = str(free.getsockname()[1])
    assert healthcheck.main({"LOADFORECAST_LISTEN_PORT": nowhere}) == 1


def test_it_runs_until_it_is_told_to_stop(
    root: Path, issued: dict[str, tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        "LOADFORECAST_API_KEYS": issued["hotel"][1],
        "LOADFORECAST_LISTEN_PORT": port,
        "LOADFORECAST_MODEL": str(root / "models" / "forecast.onnx"),
    }
    well: list[bool] = []

    def stop_when_well() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not well:
            if healthcheck.main(environment) == 0:
                well.append(True)
            else:
                time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    logs, handler = logging.getLogger(), signal.getsignal(signal.SIGTERM)
    before, level = logs.handlers[:], logs.level
    logs.handlers = []
    helper = threading.Thread(target=stop_when_well)
    # stands in when the server failed to set its own, so that the test ends either way
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        helper.start()
        assert server.main(environment) == 0
        helper.join(timeout=10)
    finally:
        signal.signal(signal.SIGTERM, handler)
        logs.handlers, logs.level = before, level
    messages = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert well
    assert messages[0]["message"] == "ready"
    assert messages[0]["listen"] == [["127.0.0.1", int(port)]]
    assert messages[-1]["message"] == "stopped"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"LOADFORECAST_API_KEYS": ""}, "no API key is set"),
        ({"LOADFORECAST_LISTEN_HOST": "no such host"}, "no such host"),
        ({"LOADFORECAST_LISTEN_HOST": "192.0.2.1"}, "assign"),
        ({"LOADFORECAST_MODEL": "nowhere.onnx"}, "cannot be read"),
    ],
)
def test_it_does_not_start_when_it_is_not_set_up(
    wrong: dict[str, str],
    says: str,
    root: Path,
    issued: dict[str, tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = {
        "LOADFORECAST_API_KEYS": issued["hotel"][1],
        "LOADFORECAST_LISTEN_PORT": "0",
        "LOADFORECAST_MODEL": str(root / "models" / "forecast.onnx"),
    } | wrong
    logs = logging.getLogger()
    before, level = logs.handlers[:], logs.level
    logs.handlers = []
    try:
        assert server.main(environment) == 2
    finally:
        logs.handlers, logs.level = before, level
    printed = capsys.readouterr().err
    assert says in printed
    assert len(printed.splitlines()) == 1
