"""Exports name documents by their external ids, and refuse labels that no longer hold."""

from __future__ import annotations

import pytest

from app.evaluation.question_files.exporting import MEDIA_TYPES
from app.evaluation.question_files.importing import Format
from configs.errors import ConflictError, NotFoundError
from tests.app.evaluation.question_files.files import export_set
from tests.app.evaluation.world import World, asked, quoted, whole


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "beir", "chunking_eval"])
def test_stale_labels_are_not_exported(world: World, file_format: Format) -> None:
    world.add_all({"a": "The bear.", "b": "The wolf."})
    world.save("set", asked("?", quoted("a", "bear")), asked("?", quoted("b", "wolf")))
    file = export_set(world, "set", file_format)
    assert file.content
    assert file.media_type == MEDIA_TYPES[file_format]
    world.add("a", "A bear.")
    with pytest.raises(ConflictError) as caught:
        export_set(world, "set", file_format)
    assert (caught.value.code, caught.value.extra) == ("stale_labels", {"count": 1})
    assert "1 of 2 labels" in caught.value.detail


def test_a_whole_document_is_exported_in_its_newest_version_until_it_is_deleted(world: World) -> None:
    world.add("a", "old")
    world.save("set", asked("?", whole("a")))
    before = export_set(world, "set", "jsonl").content
    world.add("a", "new")
    assert export_set(world, "set", "jsonl").content == before
    world.delete("a")
    with pytest.raises(ConflictError):
        export_set(world, "set", "jsonl")


def test_a_set_that_is_not_there_is_not_exported(world: World) -> None:
    with pytest.raises(NotFoundError):
        export_set(world, "nosuch", "csv")
