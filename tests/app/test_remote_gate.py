"""The command `gate --url`: the check as a service answers it, every way not to get one, and where the key goes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.command_line import main
from app.evaluation.promotion.check import PromotionCheck
from app.evaluation.promotion.condition import condition
from app.gate import gate_lines
from app.remote_gate import MOST_BYTES, check_gate_over_http
from configs.errors import UnavailableError

KEY = "pg_never-to-be-seen-0123456789"
Answer = Callable[["_Handler"], None]


class Service(ThreadingHTTPServer):
    """Answers every request as `answer` says, and keeps what was asked with which key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Answer = status(500)
        self.asked: list[tuple[str, str | None]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of callers that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        """Note the request and answer it."""
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.server.answer(self)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def status(code: int, body: bytes = b"{}", **headers: str) -> Answer:
    def answer(handler: _Handler) -> None:
        handler.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def problem(code: int, name: str, detail: str = "what happened", hint: str = "what to do") -> Answer:
    body = {"type": "about:blank", "status": code, "code": name, "detail": detail, "hint": hint}
    return status(code, json.dumps(body).encode())


def hung(handler: _Handler) -> None:
    """Say nothing until the service closes."""
    handler.server.closing.wait(60)


def dripping(handler: _Handler) -> None:
    """Send a header one byte at a time: no timeout of a single read ever passes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.closing.wait(0.05):
        handler.wfile.write(b"x")


def checked(*met: bool, **changed: Any) -> PromotionCheck:
    conditions = [condition("failures", one, f"figure {number}") for number, one in enumerate(met)]
    found = PromotionCheck(
        alias="bot", candidate="new version 2", active="old version 1", experiment_id="e", question_set="q",
        question_set_hash="h", metric="recall@10", is_met=all(met), conditions=conditions, verdict=None,
    )  # fmt: skip
    return found.model_copy(update=changed)


def answered(found: PromotionCheck) -> Answer:
    """Return the answer with what only the service's view has, too."""
    return status(200, json.dumps({**found.model_dump(mode="json"), "report": None}).encode())


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    monkeypatch.setenv("PLAYGROUND_DATA_FOLDER", str(tmp_path / "none"))
    monkeypatch.setenv("PLAYGROUND_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/away")
    monkeypatch.setenv("PLAYGROUND_GATE_KEY", KEY)
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def run(url: str, *more: str, alias: str = "bot") -> int:
    return main(["gate", "--url", url, "--workspace", "w", "--alias", alias, "--experiment", "e", *more])


@pytest.mark.parametrize("met", [(True, True), (True, False), (False, False)])
def test_it_prints_and_returns_what_the_database_would(
    service: Service, capsys: pytest.CaptureFixture[str], met: tuple[bool, ...]
) -> None:
    service.answer = answered(checked(*met))
    assert run(service.url + "/") == (0 if all(met) else 1)
    assert capsys.readouterr().out.splitlines() == list(gate_lines(checked(*met)))
    path = "/v1/workspaces/w/aliases/bot/promotions/check?experiment_id=e"
    assert service.asked == [(path, f"Bearer {KEY}")]


def test_names_and_the_path_of_a_proxy_are_kept_apart(service: Service) -> None:
    service.answer = status(404)
    assert run(service.url + "/play/ground", alias="a/b?c#d") == 2
    assert service.asked[0][0].startswith("/play/ground/v1/workspaces/w/aliases/a%2Fb%3Fc%23d/promotions/check?")


REFUSALS = {
    "no key": (problem(401, "unauthorized", hint="set PLAYGROUND_API_KEY"), "unauthorized: ", "PLAYGROUND_GATE_KEY"),
    "no role": (problem(403, "forbidden"), "forbidden: ", "viewer"),
    "no alias": (problem(404, "alias_not_found"), "alias_not_found: ", "names"),
    "no page": (status(404, b"<html>nothing here</html>"), "gate_refused: ", "--url"),
    "no candidate": (problem(409, "no_candidate"), "no_candidate: ", "what to do"),
    "too often": (problem(429, "quota_exceeded"), "quota_exceeded: ", "what to do"),
    "broken": (status(502, b"<html>Bad gateway</html>"), "gate_refused: ", "again later"),
    "elsewhere": (status(307, Location="https://elsewhere.example/"), "gate_redirected: ", "redirects to"),
    "a page": (status(200, b"<html>Please log in</html>"), "gate_answer_invalid: ", "--url"),
    "half": (status(200, checked(True).model_dump_json().encode()[:-9]), "gate_answer_invalid: ", "--url"),
    "nothing": (status(204, b""), "gate_refused: ", "--url"),
    "another alias": (answered(checked(True, alias="other")), "gate_answer_invalid: ", "--url"),
    "another experiment": (answered(checked(True, experiment_id="f")), "gate_answer_invalid: ", "--url"),
    "a lie": (answered(checked(True, False, is_met=True)), "gate_answer_invalid: ", "--url"),
    "no conditions": (answered(checked()), "gate_answer_invalid: ", "--url"),
    "endless": (status(200, b" " * (MOST_BYTES + 1)), "gate_answer_invalid: ", "--url"),
    "deep": (status(403, b"[" * 100_000), "gate_refused: ", "viewer"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_whatever_is_no_check_is_an_error_with_what_to_do(
    service: Service, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    service.answer, begins, hint = REFUSALS[case]
    assert run(service.url) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.startswith(begins)) == ("", True), printed.err
    first, second = printed.err.splitlines()
    assert service.url in first
    assert hint in second
    assert len(service.asked) == 1, "a redirect is not followed"


@pytest.mark.parametrize("manner", [hung, dripping])
def test_a_service_that_hangs_is_left(service: Service, manner: Answer) -> None:
    service.answer = manner
    begin = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 seconds") as caught:
        check_gate_over_http(service.url, KEY, "w", "bot", "e", seconds=0.3)
    assert caught.value.code == "gate_too_slow"
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9", "gate_unreachable"), ("http://[::1", "gate_unreachable"),
        ("http://127.0.0.1:99999", "gate_unreachable"), ("https://" + "a" * 300, "gate_unreachable"),
        ("127.0.0.1:8000", "invalid_url"), ("ftp://host", "invalid_url"), ("", "invalid_url"),
        ("https://user:secret@host", "invalid_url"), ("https://host?key=secret", "invalid_url"),
    ],
)  # fmt: skip
def test_an_address_that_nobody_answers_at_is_an_error(
    service: Service, capsys: pytest.CaptureFixture[str], url: str, code: str
) -> None:
    assert run(url) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{code}: ")
    assert "secret" not in said
    assert not service.asked


def test_a_connection_that_breaks_off_is_an_error(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.answer = status(200, b"{", Content_Length="1000")
    assert run(service.url) == 2
    assert capsys.readouterr().err.startswith("gate_unreachable: ")


def test_the_key_comes_from_the_file_where_one_is_named(service: Service, tmp_path: Path) -> None:
    service.answer = answered(checked(True))
    (tmp_path / "key").write_text("another-key\n")
    assert run(service.url, "--key-file", str(tmp_path / "key")) == 0
    assert service.asked[0][1] == "Bearer another-key"


def test_without_a_key_none_is_sent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYGROUND_GATE_KEY")
    monkeypatch.setenv("PLAYGROUND_API_KEY", "an administrator's: it is not for other machines")
    service.answer = answered(checked(True))
    assert run(service.url) == 0
    assert service.asked[0][1] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "unusable_key_file"), (b"", "unusable_key_file"), (b" \n", "unusable_key_file"),
        (b"\xff\xfe", "unusable_key_file"), (b"two\nlines", "invalid_key"), (b"Bearer key", "invalid_key"),
        ("schlüssel".encode(), "invalid_key"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_key_is_an_error(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    assert run(service.url, "--key-file", str(tmp_path / "key")) == 2
    assert capsys.readouterr().err.startswith(f"{code}: ")
    assert not service.asked


def test_a_key_without_an_address_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--workspace", "w", "--alias", "bot", "--experiment", "e"]
    assert main(["gate", *names, "--key-file", str(tmp_path / "key")]) == 2
    assert capsys.readouterr().err.startswith("key_without_url: ")


@pytest.mark.parametrize("answer", [problem(403, "forbidden", f"{KEY}\x1b[2J\n::stop-commands::x"),
    answered(checked(True, conditions=[condition("evidence", True, f"{KEY}\x1b[2J\n::stop-commands::x")]))],
    ids=["problem", "check"])  # fmt: skip
def test_no_answer_writes_the_key_or_commands_into_a_log(
    service: Service, capsys: pytest.CaptureFixture[str], answer: Answer
) -> None:
    service.answer = answer
    run(service.url)
    printed = "".join(capsys.readouterr())
    assert "(key) [2J ::stop-commands::x" in printed
    assert KEY not in printed
