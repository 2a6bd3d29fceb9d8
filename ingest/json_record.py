"""JSON values as readable text: one `path: value` line per leaf."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from configs.errors import InvalidInputError, TooLargeError
from configs.text import storable
from ingest.numbered_blocks import refuse_longer_text

MAX_DEPTH = 100
"""Levels of arrays and objects inside each other; far below what the interpreter's stack holds."""

MAX_PATH_CHARACTERS = 10_000
MAX_VALUES = 1_000_000
"""Values, objects and arrays that one JSON text may hold: each takes a hundred bytes and more while it is read."""


class Members(list[tuple[str, Any]]):
    """The members of a JSON object in the order of the file; a key that occurs twice is here twice."""


def load(text: str, place: str) -> Any:
    """Return the JSON value of `text`: Members, lists, strings, True, False and None; numbers as the strings they are.

    Raises InvalidInputError that begins with `place`: `invalid_json` (NaN and Infinity included) or
    `nested_too_deeply`; TooLargeError `too_many_values`, by the marks between values, those inside strings included.
    """
    if sum(map(text.count, ",{[")) > MAX_VALUES:
        raise TooLargeError(
            f"{place}: more than {MAX_VALUES} values",
            hint="split the file, or upload the records as JSON Lines",
            code="too_many_values",
        )

    def refuse_constant(name: str) -> NoReturn:
        raise InvalidInputError(
            f"{place}: {name} is not a JSON value", hint="write null or a number instead", code="invalid_json"
        )

    try:
        return json.loads(
            text, object_pairs_hook=Members, parse_int=str, parse_float=str, parse_constant=refuse_constant
        )
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise InvalidInputError(
            f"{place}: not valid JSON: {error.msg} ({position})",
            hint="check the file with a JSON validator and upload it again",
            code="invalid_json",
        ) from None
    except RecursionError:
        raise _nested_too_deeply(place) from None


def record_text(value: Any, place: str) -> str:
    """Return the lines of a value that `load` returned; empty for an empty object, array or string.

    Object keys are joined with `.`, array positions stand as `[n]` (from 0); an empty object or array inside is the
    leaf `{}` or `[]`. Raises InvalidInputError that begins with `place` for NUL characters (`nul_character`), lone
    surrogates (`lone_surrogate`), too deep nesting (`nested_too_deeply`) and paths over 10,000 characters
    (`path_too_long`).
    """
    if isinstance(value, list) and not value:
        return ""
    lines: list[str] = []
    length = 0
    for line in _lines(value, None, 0, place):
        length += len(line) + 1
        refuse_longer_text(length)
        lines.append(line)
    text = "\n".join(lines)
    try:
        return storable(text)
    except ValueError:
        raise _not_storable(lines, place) from None


def _lines(value: Any, path: str | None, depth: int, place: str) -> Iterator[str]:
    if isinstance(value, list) and depth == MAX_DEPTH:
        raise _nested_too_deeply(place)
    if not isinstance(value, list) or not value:
        leaf = _leaf(value)
        yield leaf if path is None else f"{path}: {leaf}"
        return
    if path is not None and len(path) > MAX_PATH_CHARACTERS:
        raise InvalidInputError(
            f"{place}: the keys down to a value are longer than {MAX_PATH_CHARACTERS} characters together",
            hint="put long texts into values, not into keys",
            code="path_too_long",
        )
    if isinstance(value, Members):
        for key, child in value:
            yield from _lines(child, key if path is None else f"{path}.{key}", depth + 1, place)
    else:
        for position, child in enumerate(value):
            yield from _lines(child, f"{path or ''}[{position}]", depth + 1, place)


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "{}" if isinstance(value, Members) else "[]"
    return json.dumps(value)


def _nested_too_deeply(place: str) -> InvalidInputError:
    return InvalidInputError(
        f"{place}: arrays and objects are nested more than {MAX_DEPTH} levels deep",
        hint="flatten the file, or upload the inner values as documents of their own",
        code="nested_too_deeply",
    )


def _not_storable(lines: list[str], place: str) -> InvalidInputError:
    for line in lines:
        try:
            storable(line)
        except ValueError as error:
            kind = "nul_character" if "\x00" in line else "lone_surrogate"
            return InvalidInputError(
                f"{place}: the line {line[:80]!a} {error}",
                hint="remove the character and upload the file again",
                code=kind,
            )
    raise AssertionError("a text is storable where each of its lines is")
