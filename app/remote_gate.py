"""The command `gate` over HTTP: for pipelines that reach the service and not its database."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from app.evaluation.promotion.check import PromotionCheck
from app.gate import on_one_line
from configs.deadline import within
from configs.errors import InvalidInputError, PlaygroundError, UnavailableError
from configs.release import VERSION

SECONDS = 60.0
"""The whole question, look-up of the name and an answer that trickles included."""
MOST_BYTES = 5_000_000
ADDRESS = re.compile(r"https?://[^\s?#@]+")
CODE = re.compile(r"[a-z][a-z_]{2,39}")
WHAT_HELPS = {
    401: "set PLAYGROUND_GATE_KEY, or --key-file, to a key of this service: a viewer's of the workspace is enough",
    403: "give the key's member the role viewer in the workspace, or take another key",
    404: "compare the names with those of the service, and --url with its address, with the path it is published under",
}


def read_key(file: Path) -> str:
    """Return the key that a file holds, blanks and the end of the line left out; raises InvalidInputError."""
    try:
        key = file.read_text(encoding="utf-8").strip()
        reason = "" if key else "it is empty"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
    if not reason:
        return key
    raise InvalidInputError(
        f"the key file {str(file)!r} cannot be used: {reason}",
        hint="name a file that holds the key and nothing else",
        code="unusable_key_file",
    )


def check_gate_over_http(
    url: str, key: str, workspace_id: str, alias: str, experiment_id: str, *, seconds: float = SECONDS
) -> PromotionCheck:
    """Return the check as the service at `url` answers it, asked with the key where there is one.

    The key goes to that address alone, as redirects are not followed, and stands in no error. Raises
    InvalidInputError for an unusable address or key, and UnavailableError for everything else than a whole check.
    """
    base = url.rstrip("/")
    if ADDRESS.fullmatch(base) is None:
        raise InvalidInputError(
            "--url is no address of a service", hint="give it as https://host or https://host/path", code="invalid_url"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInputError(
            "the key holds characters that no key has", hint="give the key and nothing else", code="invalid_key"
        )
    names = (quote(name, safe="") for name in (workspace_id, alias))
    address = base + "/v1/workspaces/{}/aliases/{}/promotions/check".format(*names)
    try:
        status, content = within(seconds, lambda: _asked(address, key, experiment_id, seconds))
    except (TimeoutError, httpx.TimeoutException):
        raise UnavailableError(
            f"{base} did not answer within {seconds:g} seconds",
            hint="try again later; see that the service runs and that this machine reaches it",
            code="gate_too_slow",
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        raise UnavailableError(
            f"{base} cannot be reached, or breaks the connection ({type(error).__name__})",
            hint="see that the service runs, that this machine reaches it and trusts its certificate, and that no proxy"
            " of the environment is in between",
            code="gate_unreachable",
        ) from None
    if key:
        content = content.replace(key.encode(), b"(key)")
    if status != 200:
        raise _refusal(base, status, content)
    return _parsed(base, content, alias, experiment_id)


def _asked(address: str, key: str, experiment_id: str, seconds: float) -> tuple[int, bytes]:
    """Return status and body; a body that is longer than any check is cut and so cannot be read."""
    headers = {"Accept": "application/json", "User-Agent": f"context-playground/{VERSION}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    parameters = {"experiment_id": experiment_id}
    with httpx.stream(
        "GET", address, params=parameters, headers=headers, timeout=seconds, follow_redirects=False
    ) as response:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > MOST_BYTES:
                break
        return response.status_code, bytes(content[:MOST_BYTES])


def _refusal(base: str, status: int, content: bytes) -> PlaygroundError:
    """Return the error for another status than 200, in the service's own words where it has some."""
    if 300 <= status < 400:
        return UnavailableError(
            f"{base} redirects ({status}), and the key goes nowhere else than to --url",
            hint="give the address that it redirects to as --url, as often https:// in place of http://",
            code="gate_redirected",
        )
    code, detail, hint = _problem(content)
    fallback = "try again later" if status == 429 or status >= 500 else "see that --url is the address of the service"
    return UnavailableError(
        f"{base} answered with status {status}" + (f": {on_one_line(detail)}" if detail else ""),
        hint=WHAT_HELPS.get(status) or on_one_line(hint) or fallback,
        code=code or "gate_refused",
    )


def _problem(content: bytes) -> tuple[str, str, str]:
    """Return code, detail and hint of a problem document, empty where the answer is none."""
    try:
        found: Any = json.loads(content)
        code, detail, hint = (str(found[name]) for name in ("code", "detail", "hint"))
    except (ValueError, LookupError, TypeError, RecursionError):
        return "", "", ""
    return (code, detail, hint) if CODE.fullmatch(code) else ("", "", "")


def _parsed(base: str, content: bytes, alias: str, experiment_id: str) -> PromotionCheck:
    """Return the check, where it is one on what was asked and agrees with itself."""
    try:
        checked = PromotionCheck.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise _no_check(base, f"{place}: {first['msg']}") from None
    if (checked.alias, checked.experiment_id) != (alias, experiment_id):
        raise _no_check(base, "it is about another alias or experiment")
    if not checked.conditions or checked.is_met != (not checked.unmet):
        raise _no_check(base, "its conditions and its verdict disagree")
    return checked


def _no_check(base: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"{base} answered, but with no check of a promotion ({reason})",
        hint="see that --url is the address of the service and not of a page before it, and that this command's release"
        " is not older than the service's",
        code="gate_answer_invalid",
    )
