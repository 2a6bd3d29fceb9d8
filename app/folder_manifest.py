"""What a folder says of its own files: a list in YAML or JSON lines beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from configs.errors import InvalidInputError, PlaygroundError
from configs.strict_json import strict_json
from configs.strict_yaml import yaml_items
from configs.text import Text

NAMES = ("playground.yaml", "playground.jsonl")


class FileDescription(BaseModel):
    """What is said of one file; left out is what the file says itself, or nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[Text, StringConstraints(min_length=1)] = Field(description="of the file, below the folder")
    external_id: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = None
    title: Annotated[Text, StringConstraints(min_length=1, max_length=500)] | None = None
    tags: list[Annotated[Text, StringConstraints(min_length=1, max_length=100)]] | None = Field(None, max_length=100)
    metadata: dict[Text, JsonValue] | None = Field(None, max_length=100)
    access: list[Annotated[Text, StringConstraints(min_length=1, max_length=200)]] | None = Field(None, max_length=200)


@dataclass(frozen=True, slots=True)
class Described:
    """A description with the line where it stands."""

    line: int
    file: FileDescription


@dataclass(frozen=True, slots=True)
class FolderManifest:
    """The descriptions of a folder by path; `name` is the manifest's file, empty where there is none."""

    name: str
    files: dict[str, Described]

    def error(self, line: int, detail: str) -> InvalidInputError:
        """Return the error about a line of the manifest."""
        return InvalidInputError(
            f"{self.name}, line {line}: {detail}", hint="mend this line and import again; nothing was changed",
            code="invalid_folder_manifest", file=self.name, line=line,
        )  # fmt: skip


def read_manifest(folder: Path) -> FolderManifest:
    """Return what the folder's manifest says.

    Raises InvalidInputError `invalid_folder_manifest` with file and line for what is no description of a file that is
    there, or for a path or an external id that stands twice; and where there is more than one manifest.
    """
    names = [name for name in NAMES if (folder / name).is_file()]
    if not names:
        return FolderManifest("", {})
    manifest = FolderManifest(names[0], {})
    if len(names) > 1:
        raise manifest.error(1, f"{names[1]} describes the folder, too; keep one of them")
    external_ids: set[str] = set()
    for line, value in _values(manifest, (folder / manifest.name).read_bytes()):
        described = _described(manifest, line, value)
        path = described.path
        if path in manifest.files:
            raise manifest.error(line, f"{path!r} is described in line {manifest.files[path].line} already")
        is_below = not Path(path).is_absolute() and ".." not in Path(path).parts and Path(path).as_posix() == path
        if not is_below or not (folder / path).is_file():
            raise manifest.error(line, f"there is no file {path[:200]!r} below the folder")
        external_id = described.external_id or path
        if external_id in external_ids:
            raise manifest.error(line, f"the external id {external_id[:200]!r} stands there twice")
        external_ids.add(external_id)
        manifest.files[path] = Described(line, described)
    return manifest


def _values(manifest: FolderManifest, content: bytes) -> Iterator[tuple[int, Any]]:
    if manifest.name.endswith(".yaml"):
        yield from yaml_items(content, manifest.name)
        return
    for line, text in enumerate(content.split(b"\n"), start=1):
        if text.strip():
            try:
                yield line, strict_json(text, "the line")
            except PlaygroundError as error:
                raise manifest.error(line, error.detail) from None


def _described(manifest: FolderManifest, line: int, value: Any) -> FileDescription:
    try:
        return FileDescription.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise manifest.error(line, f"{place}: {first['msg']}" if place else first["msg"]) from None
