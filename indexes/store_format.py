"""What a store wrote into a location, beside the data itself, so that nothing else mistakes it for its own."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from configs.errors import ConflictError
from configs.part import JsonObject, Part
from indexes.durable_files import write_durably

FORMAT_FILE = "format.json"


class StoreFormat(BaseModel):
    """Which store built a location (its baked settings, kind and revision), with how many rows and dimensions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: JsonObject
    rows: int
    dimensions: int | None = None

    def write(self, location: Path) -> None:
        """Write the format and sync the location; the last step of a build, so that what has a format is whole."""
        write_durably(location / FORMAT_FILE, self.model_dump_json(indent=1).encode("utf-8"))

    @classmethod
    def read(cls, location: Path) -> StoreFormat:
        """Return the format of a location; raises OSError where there is none, ValueError where it is damaged."""
        return cls.model_validate_json((location / FORMAT_FILE).read_bytes())

    def check(self, part: Part) -> None:
        """Raise ConflictError `segment_format_mismatch` where `part` would bake something else than is here."""
        wanted = part.baked()
        if self.store != wanted:
            raise ConflictError(
                f"the segment was built by ({_describe(self.store)}) and cannot be opened by ({_describe(wanted)})",
                hint="build the index again with POST …/indexes; the old one stays as it is until then",
                code="segment_format_mismatch",
            )


def _describe(baked: JsonObject) -> str:
    return ", ".join(f"{name} {value}" for name, value in baked.items())
