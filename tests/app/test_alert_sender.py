"""The webhook: what is sent, signed and repeated, over a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from app.alert_sender import SIGNATURE, AlertSender, signature_of
from app.demo_accounts import plant_accounts
from configs.settings import Settings
from indexes.database import alerts
from indexes.database.alerts import AlertRow, acknowledge, raise_alert
from indexes.database.engine import Database
from tests.database import add_workspace, fresh_database

SECRET = "a-secret"


class Receiver(HTTPServer):
    """Keeps what it is sent, and answers with the next of `statuses`, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}/alerts"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = cast("Receiver", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.received.append((dict(self.headers), body))
        status = receiver.statuses.pop(0) if receiver.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", receiver.url)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_database(tmp_path) as database:
        yield database


def sender(database: Database, url: str, secret: str = SECRET) -> AlertSender:
    """Return a sender to the address."""
    return AlertSender(database, Settings(alert_webhook=url, alert_webhook_secret=SecretStr(secret)))


def raised(database: Database) -> AlertRow:
    """Raise an alert."""
    with database.write() as session:
        row = raise_alert(session, "embedder_changed", "e", "it changed", drift=0.5)
        assert row is not None
        return row


def test_an_alert_is_sent_once_and_signed(database: Database, receiver: Receiver) -> None:
    alert = raised(database)
    assert sender(database, receiver.url).send_due() == 1
    assert sender(database, receiver.url).send_due() == 0
    ((headers, body),) = receiver.received
    sent = json.loads(body)
    assert (sent["id"], sent["kind"], sent["figures"]) == (alert.id, "embedder_changed", {"drift": 0.5})
    assert headers[SIGNATURE] == signature_of(SECRET.encode(), body)
    assert signature_of(b"another", body) != headers[SIGNATURE]
    with database.read() as session:
        row = session.get_one(AlertRow, alert.id)
        assert (row.sent_at is not None, row.attempts) == (True, 1)


def test_without_a_secret_it_is_unsigned(database: Database, receiver: Receiver) -> None:
    raised(database)
    sender(database, receiver.url, secret="").send_due()
    assert SIGNATURE not in receiver.received[0][0]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_tried_again_after_a_pause(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    alert = raised(database)
    receiver.statuses = [status]
    sending = sender(database, receiver.url)
    assert sending.send_due() == 0
    assert sending.send_due() == 0, "its pause is not over"
    assert len(receiver.received) == 1
    with database.read() as session:
        row = session.get_one(AlertRow, alert.id)
    later = row.next_attempt_at
    assert (row.sent_at, row.attempts) == (None, 1)
    monkeypatch.setattr(alerts, "now", lambda: later)
    assert sending.send_due() == 1
    assert receiver.received[0][1] == receiver.received[1][1]


def test_an_acknowledged_alert_is_not_sent(database: Database, receiver: Receiver) -> None:
    alert = raised(database)
    with database.write() as session:
        acknowledge(session, alert.id)
    assert sender(database, receiver.url).send_due() == 0
    assert receiver.received == []


def test_the_alert_of_the_demo_is_sent_to_nobody(database: Database, receiver: Receiver) -> None:
    with database.write() as session:
        plant_accounts(session, add_workspace(session).id)
    with database.read() as session:
        assert session.get_one(AlertRow, "demo-alert").acknowledged_at is None
    assert sender(database, receiver.url).send_due() == 0
    assert receiver.received == []
    another = raised(database)
    assert sender(database, receiver.url).send_due() == 1
    assert json.loads(receiver.received[0][1])["id"] == another.id


def test_nobody_listening_stops_nothing(database: Database) -> None:
    raised(database)
    assert sender(database, "http://127.0.0.1:9/").send_due() == 0


def test_a_webhook_that_takes_nothing_is_asked_once_a_look(database: Database, receiver: Receiver) -> None:
    with database.write() as session:
        for number in range(3):
            raise_alert(session, "embedder_changed", f"e{number}", "it changed")
    receiver.statuses = [500, 200]
    assert sender(database, receiver.url).send_due() == 0
    assert len(receiver.received) == 1
    assert sender(database, receiver.url).send_due() == 2, "the others are not held up"
