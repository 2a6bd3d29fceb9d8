"""Files are decoded once, lines keep their numbers, and every error names the line."""

from __future__ import annotations

import pytest

from app.evaluation.question_files.reading import SourceFile
from app.evaluation.questions import NewQuestion
from configs.errors import InvalidInputError
from tests.app.evaluation.question_files.files import refused


def source(content: bytes | str) -> SourceFile:
    """Return a file called `questions`."""
    return SourceFile(name="questions", content=content.encode() if isinstance(content, str) else content)


def refusal(file: SourceFile, *, needed: tuple[str, ...] = ()) -> InvalidInputError:
    """Return the error with which rows of the columns a, b and c are refused."""
    with pytest.raises(InvalidInputError) as caught:
        list(file.rows(("a", "b", "c"), needed=needed))
    return caught.value


def test_only_line_feeds_end_lines() -> None:
    text = "one\u2028still one\r\n\n  \nfour\x85still four"
    assert list(source(text).lines()) == [(1, "one\u2028still one\r"), (4, "four\x85still four")]


def test_a_byte_order_mark_is_no_text() -> None:
    assert source(b"\xef\xbb\xbfone").text() == "one"


def test_what_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidInputError) as caught:
        source(b"one\ntwo\nthr\xe9e").text()
    assert caught.value.extra == {"file": "questions", "line": 3}
    assert "byte 11" in caught.value.detail


def test_rows_have_the_number_of_their_first_line() -> None:
    content = 'b,a\r\n1,"x\ny\r\nz"\r\n\r\n2,w\r\n'
    rows = list(source(content).rows(("a", "b", "c"), needed=("a",)))
    assert rows == [(2, {"b": "1", "a": "x\ny\r\nz"}), (6, {"b": "2", "a": "w"})]


@pytest.mark.parametrize(
    ("content", "line", "detail"),
    [
        ("a,d\n", 1, "has 'd'"),
        ("a,b,a\n", 1, "has 'a'"),
        ("b\n", 1, "lacks 'a'"),
        ("a,b\n1,2\n3\n", 3, "1 fields, the header has 2"),
        ("a,b\n1,2,3\n", 2, "3 fields, the header has 2"),
        ('a,b\n1,"2\n3\n', 2, "unexpected end of data"),
        ('a,b\n1,"2"x\n', 2, "expected after"),
        ("a,b\n1," + "2" * 200_000 + "\n", 2, "field larger than field limit"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(content: str, line: int, detail: str) -> None:
    error = refusal(source(content), needed=("a",))
    assert error.code == "invalid_question_file"
    assert error.extra == {"file": "questions", "line": line}
    assert error.detail.startswith(f"questions, line {line}: ")
    assert detail in error.detail


def test_what_is_wrong_with_a_value_is_named() -> None:
    file = source("")
    with pytest.raises(InvalidInputError) as caught:
        file.validated(NewQuestion, {"question": "?", "evidence": [{"document_id": "a", "start": -1, "end": 1}]}, 7)
    assert caught.value.detail.startswith("questions, line 7: evidence.0.start: Input should be greater than")
    assert file.validated(NewQuestion, '{"question": "?"}', 1) == NewQuestion(question="?")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    for file_format in ("jsonl", "csv", "chunking_eval"):
        error = refused(file_format, questions=content)
        assert error.code in ("empty_question_file", "invalid_question_file")
