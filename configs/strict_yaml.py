"""Strict YAML: plain values alone, without aliases, repeated keys and dates, and errors that name the line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from configs.errors import InvalidInputError
from configs.strict_json import DEEPEST_LEVEL, check_text

LARGEST_BYTES = 5_000_000


class InvalidYamlError(InvalidInputError):
    """The file is no YAML, or YAML that can be misread."""

    code = "invalid_yaml"


class _Loader(yaml.SafeLoader):
    """The safe loader without what can be misread: an alias may unfold without end, a repeated key hides a setting,
    and a bare date is no text.
    """

    _level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse aliases, and levels that take longer to read than anybody writes."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs say nothing of it
            raise yaml.constructor.ConstructorError(None, None, f"the alias *{event.anchor}", event.start_mark)
        if self._level > DEEPEST_LEVEL:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML leaves it untyped
            raise yaml.constructor.ConstructorError(
                None, None, f"nested deeper than {DEEPEST_LEVEL} levels", event.start_mark
            )
        self._level += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._level -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse keys that are no text or stand there twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value[:50]!r} a second time", key.start_mark
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def strict_yaml(source: bytes, name: str) -> Any:
    """Return the one document of the file called `name`.

    Raises InvalidYamlError with file and line for what is no YAML or can be misread, and what `check_text` raises.
    """
    return _one_value(source, name)[1]


def yaml_items(source: bytes, name: str) -> Iterator[tuple[int, Any]]:
    """Yield the items of the list that the file holds, each with its line from 1; raises as `strict_yaml` does."""
    node, value = _one_value(source, name)
    if not isinstance(value, list):
        raise invalid_yaml(name, 1, "the file holds no list")
    assert isinstance(node, yaml.SequenceNode)
    for item, one in zip(node.value, value, strict=True):
        yield item.start_mark.line + 1, one


def invalid_yaml(name: str, line: int, detail: str) -> InvalidYamlError:
    """Return the error about a line."""
    return InvalidYamlError(
        f"{name}, line {line}: {detail}", hint="mend this line and send the file again", file=name, line=line
    )


def _one_value(source: bytes, name: str) -> tuple[yaml.Node | None, Any]:
    if len(source) > LARGEST_BYTES:
        raise invalid_yaml(name, 1, f"the file has {len(source)} bytes; the limit is {LARGEST_BYTES}")
    try:
        loader = _Loader(source.decode("utf-8-sig"))
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        line = source[: error.start].count(b"\n") + 1
        raise invalid_yaml(name, line, f"byte {error.start} of the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise invalid_yaml(name, mark.line + 1 if mark else 1, f"unusable YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise invalid_yaml(name, 1, f"unusable YAML ({type(error).__name__})") from None
    check_text(value, name)
    return node, value
