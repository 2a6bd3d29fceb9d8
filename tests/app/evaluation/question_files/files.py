"""Question files as bytes, and short ways to import and export them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.evaluation.question_files.exporting import ExportedFile, export_questions
from app.evaluation.question_files.importing import Format, read_files, save_read
from app.evaluation.question_files.reading import ReadFile
from app.evaluation.question_sets import load_question_set
from app.evaluation.questions import NewQuestion, Question
from configs.errors import PlaygroundError
from tests.app.evaluation.world import WORKSPACE, World

Files = Mapping[str, str | bytes]


def read(file_format: Format, **files: str | bytes) -> ReadFile:
    """Return what the files hold."""
    return read_files(file_format, _bytes(files))


def read_questions(file_format: Format, **files: str | bytes) -> list[NewQuestion]:
    """Return the questions the files hold."""
    return [one.question for one in read(file_format, **files).questions]


def refused(file_format: Format, **files: str | bytes) -> PlaygroundError:
    """Return the error with which the files are refused."""
    with pytest.raises(PlaygroundError) as caught:
        read(file_format, **files)
    return caught.value


def import_set(world: World, name: str, file_format: Format, **files: str | bytes) -> tuple[str, list[Question]]:
    """Import the files; return the set's content hash and questions."""
    with world.database.write() as session:
        row = save_read(session, WORKSPACE, name, read(file_format, **files)).row
        return row.content_hash, row.parsed()


def import_refused(world: World, file_format: Format, **files: str | bytes) -> PlaygroundError:
    """Return the error with which the import is refused."""
    with pytest.raises(PlaygroundError) as caught:
        import_set(world, "refused", file_format, **files)
    return caught.value


def export_set(world: World, name: str, file_format: Format) -> ExportedFile:
    """Export the set of that name."""
    with world.database.read() as session:
        return export_questions(session, WORKSPACE, load_question_set(session, WORKSPACE, name), file_format)


def _bytes(files: Files) -> dict[str, bytes]:
    return {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
