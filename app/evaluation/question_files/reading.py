"""What every reader of question files gives, and the errors that name the file and the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.evaluation.questions import NewQuestion
from configs.errors import InvalidInputError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that was sent: `name` is what the request calls it, `code` that of errors about it."""

    name: str
    content: bytes
    code: str = "invalid_question_file"

    def text(self) -> str:
        """Return the content, which must be UTF-8, without a byte order mark."""
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.content[: error.start].count(b"\n") + 1
            raise self.error(line, f"byte {error.start} of the file is not UTF-8") from None

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines that are not blank, with their numbers from 1; only line feeds end lines."""
        for number, line in enumerate(self.text().split("\n"), start=1):
            if line.strip():
                yield number, line

    def rows(
        self, columns: Sequence[str], *, needed: Sequence[str], delimiter: str = ","
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the rows under the header by column, each with the number of its first line.

        The header has some of `columns` in any order, those `needed` among them.
        """
        reader = csv.reader(io.StringIO(self.text(), newline=""), delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise self.error(line, str(error)) from None
            if row is None:
                return
            if header is None:
                header = self._header(line, row, columns, needed)
            elif row:
                if len(row) != len(header):
                    raise self.error(line, f"{len(row)} fields, the header has {len(header)}")
                yield line, dict(zip(header, row, strict=True))

    def _header(self, line: int, row: list[str], columns: Sequence[str], needed: Sequence[str]) -> list[str]:
        wrong = [name for name in row if name not in columns or row.count(name) > 1]
        missing = [name for name in needed if name not in row]
        if wrong or missing:
            found = f"has {wrong[0][:100]!r}" if wrong else f"lacks {missing[0]!r}"
            raise self.error(line, f"the header {found}; columns are {', '.join(columns)}, each at most once")
        return row

    def validated(self, model: type[Model], value: Any, line: int) -> Model:
        """Return the value, a JSON text or a dict, as a model."""
        try:
            return model.model_validate_json(value) if isinstance(value, str) else model.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise self.error(line, f"{place}: {first['msg']}" if place else first["msg"]) from None

    def error(self, line: int, detail: str, code: str | None = None) -> InvalidInputError:
        """Return the error about a line."""
        return InvalidInputError(
            f"{self.name}, line {line}: {detail}",
            hint="mend this line and send the file again; nothing was saved",
            code=code or self.code,
            file=self.name,
            line=line,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuestion:
    """A question of a file: its line, and those of its labels."""

    question: NewQuestion
    line: int
    label_lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """What a file holds. Labels call documents by names that are looked up later; `label_file` is where they stand."""

    questions: Sequence[ReadQuestion]
    label_file: SourceFile
    dropped_questions: int = 0
    skipped_judgements: int = 0
