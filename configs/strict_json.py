"""Strict JSON: valid, not too deep, numbers that can be held, and text that every database stores."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

from configs.errors import InvalidInputError, PlaygroundError
from configs.text import storable

DEEPEST_LEVEL = 50
MOST_DIGITS = 100
LONGEST_NAME_SHOWN = 50


class InvalidJsonError(PlaygroundError):
    """The body is not JSON as RFC 8259 has it."""

    status: ClassVar[int] = 400
    code = "invalid_json"


def strict_json(source: bytes | str, location: str) -> Any:
    """Return the value of a JSON text.

    Raises InvalidJsonError for what is no JSON (NaN and Infinity, too) or cannot be held (numbers beyond a float's,
    whole numbers over MOST_DIGITS digits), and InvalidInputError as `check_text` does.
    """
    try:
        text = source.decode("utf-8-sig") if isinstance(source, bytes) else source
        value = json.loads(text, parse_constant=_refused, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise _too_deep(location) from None
    except UnicodeDecodeError as error:
        raise InvalidJsonError(f"{location}: byte {error.start} is not UTF-8", hint="send JSON in UTF-8") from None
    except ValueError as error:
        raise InvalidJsonError(f"{location}: {error}", hint="send valid JSON") from None
    check_text(value, location)
    return value


def check_text(value: Any, location: str, level: int = 0) -> None:
    """Raise InvalidInputError (`invalid_text`, `nested_too_deeply`) where a string or key in `value` cannot be stored,
    or the value has more than DEEPEST_LEVEL levels.
    """
    if level > DEEPEST_LEVEL:
        raise _too_deep(location.split(".")[0])
    if isinstance(value, str):
        try:
            storable(value)
        except ValueError as error:
            raise InvalidInputError(
                f"{location}: {error}", hint="send text without NUL characters and lone surrogates", code="invalid_text"
            ) from None
    elif isinstance(value, dict):
        for name, one in value.items():
            check_text(name, f"a key of {location}")
            check_text(one, f"{location}.{name[:LONGEST_NAME_SHOWN]}", level + 1)
    elif isinstance(value, list):
        for position, one in enumerate(value):
            check_text(one, f"{location}.{position}", level + 1)


def _too_deep(location: str) -> InvalidInputError:
    return InvalidInputError(
        f"{location}: the JSON is nested deeper than {DEEPEST_LEVEL} levels",
        hint="send it flatter",
        code="nested_too_deeply",
    )


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:MOST_DIGITS]} is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a whole number has {len(digits)} digits; the limit is {MOST_DIGITS}")
    return int(digits)
