"""Sends alerts to the webhook of the settings, each until it is taken."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import urllib.error
import urllib.request
from typing import Any

from configs.settings import Settings
from indexes.database.alerts import AlertRow, note_sent, take_unsent
from indexes.database.engine import Database

TIMEOUT_SECONDS = 5.0
SIGNATURE = "X-Playground-Signature"

logger = logging.getLogger("playground.alerts")


class AlertSender:
    """Sends what is due; of several processes one sends each.

    An alert that the webhook took and whose process died before that was noted is sent again: receivers tell by its id.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._url = settings.alert_webhook
        self._secret = settings.alert_webhook_secret.get_secret_value().encode()

    def send_due(self) -> int:
        """Send what is due until one is not taken, which is then tried later; return how many were taken."""
        taken = 0
        while True:
            with self._database.write() as session:
                alert = take_unsent(session)
                body = None if alert is None else body_of(alert)
            if alert is None or body is None:
                return taken
            if not self._post(alert.id, body):
                return taken
            with self._database.write() as session:
                note_sent(session, alert.id)
            taken += 1

    def _post(self, alert_id: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers[SIGNATURE] = signature_of(self._secret, body)
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310  # the settings name it
        try:
            with _opener.open(request, timeout=TIMEOUT_SECONDS):
                return True
        except (OSError, http.client.HTTPException) as error:  # an HTTP error is an OSError, too
            reason = error.code if isinstance(error, urllib.error.HTTPError) else type(error).__name__
            logger.warning("the webhook did not take alert %s (%s); it is tried again", alert_id, reason)
            return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the alert is for the address in the settings."""

    def redirect_request(self, *_arguments: Any) -> None:
        """Refuse."""


_opener = urllib.request.build_opener(_NoRedirects)


def body_of(alert: AlertRow) -> bytes:
    """Return what is sent of an alert, as JSON."""
    return json.dumps(
        {
            "id": alert.id,
            "kind": alert.kind,
            "subject": alert.subject,
            "detail": alert.detail,
            "figures": alert.figures,
            "created_at": alert.created_at.isoformat(),
        }
    ).encode()


def signature_of(secret: bytes, body: bytes) -> str:
    """Return `sha256=` and the HMAC-SHA256 of the body in hexadecimal, by which a receiver knows the sender."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
