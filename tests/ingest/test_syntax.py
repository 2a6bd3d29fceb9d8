"""Syntax: bytes become code points, units together are the code, and signatures are lines of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.span import Span
from ingest.grammars import GRAMMARS
from ingest.syntax import PARSED_CHARACTERS, CodeText, Unit, code_texts
from tests.ingest.chunkers.sources import SOURCES

PYTHON = '''é = "👩‍👩‍👧"  # ça


# About f.
@decorated
def f(größe):
    """Répond."""
    return 漢 + 1


class C(B):

    def g(self):
        pass
'''


def code_of(text: str, language: str = "python") -> CodeText:
    (code,) = code_texts(text, Span(0, len(text)), language)
    return code


def said(text: str, units: list[Unit]) -> list[str]:
    return [text[unit.span.start : unit.span.end] for unit in units]


def no(_span: Span) -> bool:
    return False


def test_positions_are_code_points_of_the_whole_text() -> None:
    before = "Ünïcode prose 🎉\n"
    text = before + PYTHON
    (code,) = code_texts(text, Span(len(before), len(text)), "python")
    names = [text[code.own_span(unit.node).start :][:6] for unit in code.units() if unit.node is not None]
    assert names == ['é = "👩', "# ça\n\n", "@decor", "class "]


def test_units_are_definitions_with_the_comments_above_them() -> None:
    units = code_of(PYTHON).units()
    assert "".join(said(PYTHON, units)) == PYTHON
    assert [one.lstrip().splitlines()[0] for one in said(PYTHON, units)][-2:] == ["# About f.", "class C(B):"]


def test_a_unit_is_taken_apart_into_its_signature_and_what_is_inside() -> None:
    code = code_of(PYTHON)
    *_, function, definition = code.units()
    units, signature = code.inside(function, 0, no)
    assert signature is not None
    assert PYTHON[signature.start : signature.end] == "def f(größe):\n"
    assert [one.strip() for one in said(PYTHON, units)] == [
        "# About f.\n@decorated\ndef f(größe):", '"""Répond."""', "return 漢 + 1"
    ]  # fmt: skip
    assert units[0].node is None
    units, signature = code.inside(definition, 0, no)
    assert signature is not None
    assert PYTHON[signature.start : signature.end] == "class C(B):\n\n"
    assert code.inside(units[0], 0, no) == ([], None)


@pytest.mark.parametrize(
    ("language", "text", "signature"),
    [
        ("javascript", "export default class A { f() {} g() {} }", "export default class A {"),
        ("javascript", "const f = (a) => {\n  g(a);\n  h(a);\n};", "const f = (a) => {\n"),
        ("javascript", "describe('é', () => {\n  it(1);\n  it(2);\n});", "describe('é', () => {\n"),
        ("java", "public class A\n{\n  void f() {}\n  void g() {}\n}", "public class A\n{\n"),
        ("cpp", "template <class T>\nT f(T a) {\n  g(a);\n  return a;\n}", "T f(T a) {\n"),
        ("go", "type A struct {\n\tA int\n\tB int\n}", "type A struct {\n"),
        ("ruby", "class A < B\n  def f; end\n  def g; end\nend", "class A < B\n"),
        ("rust", "impl<T> A for B<T>\nwhere T: C {\n  fn f() {}\n  fn g() {}\n}", "impl<T> A for B<T>\nwhere T: C {\n"),
        ("bash", "f() {\n  echo a\n  echo b\n}", "f() {\n"),
        ("php", "<?php\nabstract class A {\n  function f() {}\n  function g() {}\n}", "abstract class A {\n"),
        ("python", "for x in y:\n    f(x)\n    g(x)\n", None),
        ("python", "x = [\n    1,\n    2,\n]\n", None),
    ],
)
def test_signatures_of_many_kinds(language: str, text: str, signature: str | None) -> None:
    code = code_of(text, language)
    _, found = code.inside(code.units()[-1], 0, no)
    assert (None if found is None else text[found.start : found.end]) == signature


def test_a_signature_does_not_repeat_what_stands_before_it() -> None:
    text = "class A { void f() { g(); h(); } void i() {} };"
    code = code_of(text, "cpp")
    units, outer = code.inside(code.units()[0], 0, no)
    assert outer is not None
    method = next(unit for unit in units if unit.node is not None)
    _, inner = code.inside(method, outer.end, no)
    assert inner is not None
    assert (text[outer.start : outer.end], text[inner.start : inner.end]) == ("class A {", " void f() {")


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_a_fence_is_no_code_but_belongs_to_its_first_and_last_unit(fence: str) -> None:
    text = f"{fence}python\na = 1\nb = 2\n{fence}"
    assert said(text, code_of(text).units()) == [f"{fence}python\n", "a = 1\n", f"b = 2\n{fence}"]
    text = f"{fence}python\na = 1\nb = 2"
    assert said(text, code_of(text).units())[-1] == "b = 2"
    assert next(code_texts(fence, Span(0, len(fence)), "python")).span == Span(0, len(fence))


def test_long_code_is_parsed_in_stretches_that_end_between_definitions() -> None:
    function = "def f(x):\n    return 'é'\n\n    # inside\n\n\n"
    text = function * (2 * PARSED_CHARACTERS // len(function) + 10)
    spans = [code.span for code in code_texts(text, Span(0, len(text)), "python")]
    assert len(spans) == 3
    assert (spans[0].start, spans[-1].end) == (0, len(text))
    assert all(one.end == other.start for one, other in itertools.pairwise(spans))
    assert all(len(span) <= PARSED_CHARACTERS and text.startswith("def f", span.start) for span in spans)


@pytest.mark.parametrize("unit", ["x", "x\n", "x = 1;"])
def test_long_code_without_empty_lines_is_parsed_in_stretches_all_the_same(unit: str) -> None:
    text = unit * (2 * PARSED_CHARACTERS // len(unit))
    spans = [code.span for code in code_texts(text, Span(0, len(text)), "javascript")]
    assert "".join(text[span.start : span.end] for span in spans) == text
    assert all(0 < len(span) <= PARSED_CHARACTERS for span in spans)


@settings(max_examples=80, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from([*(one.text for one in SOURCES.values()), "é", "\r\n", "\t", "}", "{", "👩‍👩‍👧"]), max_size=4
    ),
    language=st.sampled_from(sorted(GRAMMARS)),
)
def test_units_of_any_code_follow_one_another_and_are_all_of_it(parts: list[str], language: str) -> None:
    text = "".join(parts)
    for code in code_texts(text, Span(0, len(text)), language):
        waiting, depth = [(code.units(), code.span)], 0
        while waiting and depth < 200:
            units, span = waiting.pop()
            depth += 1
            if units:
                assert (units[0].span.start, units[-1].span.end) == (span.start, span.end)
                assert all(one.span.end == other.span.start for one, other in itertools.pairwise(units))
            for unit in units:
                inside, signature = code.inside(unit, 0, no)
                assert signature is None or signature.end <= unit.span.end
                waiting.append((inside, unit.span))
