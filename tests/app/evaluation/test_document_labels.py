"""Whole documents as answers: comparisons, which score spans, leave them out and still see when they are gone."""

from __future__ import annotations

from app.evaluation.finder import Contestant, Finder, Plan, stale_evidence
from app.evaluation.labelled_documents import (
    NAMES_PER_QUERY,
    documents_by_external_id,
    documents_by_id,
    excerpts,
    texts_of,
)
from app.evaluation.questions import Evidence, Question
from app.evaluation.version_span import VersionSpan
from configs.span import Span
from indexes.access import Principal
from tests.app.evaluation.forest import HONEY, both, run
from tests.app.evaluation.spans import place
from tests.app.evaluation.world import NO_CONTEXT, WORKSPACE, World, asked, lexical, quoted, whole


def test_a_question_with_documents_alone_is_not_scored(forest: World) -> None:
    (question,) = forest.locate(asked("Do bears eat honey?", whole("bears")))
    compared = run(forest, [question], lexical(16), lexical(48))
    assert (compared.questions_scored, compared.questions_stale, compared.questions[0].marked) == (0, 0, "none")
    assert compared.strategies[0].span_recall is None


def test_documents_beside_spans_change_no_score(forest: World) -> None:
    marked, _ = both(forest)
    (mixed,) = forest.locate(asked(marked.question, quoted("bears", HONEY), whole("wolves"), id="honey"))
    plain, with_document = (run(forest, [one], lexical(16)) for one in (marked, mixed))
    assert with_document.questions[0].marked == "scored"
    assert with_document.strategies[0].span_recall == plain.strategies[0].span_recall


def stale(world: World, questions: list[Question], principal: Principal) -> list[Evidence]:
    """Return the stale evidence of the first question, under an index and a baseline."""
    contestants = [Contestant(label="index", setup=lexical()), Contestant(label="baseline", setup=NO_CONTEXT)]
    plan = Plan(workspace_id=WORKSPACE, questions=questions, contestants=contestants, principal=principal)
    finder = Finder(world.retriever, plan)
    found = [finder.find(contestant, questions[0].question) for contestant in contestants]
    with world.database.read() as session:
        return stale_evidence(session, plan, questions[0], found)


def test_a_document_is_stale_only_where_it_cannot_be_found(world: World) -> None:
    world.add("bears", "One bear.", access=["group:finance"])
    world.build(lexical(), maintained=True)
    questions, finance = world.locate(asked("bear", whole("bears"))), Principal.of(["group:finance"])
    world.add("bears", "Two bears.", access=["group:finance"])
    assert stale(world, questions, finance) == []
    assert stale(world, questions, Principal()) == list(questions[0].evidence)
    world.delete("bears")
    assert stale(world, questions, finance) == list(questions[0].evidence)


def test_documents_are_found_by_id_and_by_external_id(world: World) -> None:
    world.add_all({"a": "x", "b": "y"})
    world.add("gone", "z")
    world.delete("gone")
    names = {"a", "b", "gone", "missing", *(f"n{number}" for number in range(2 * NAMES_PER_QUERY))}
    with world.database.read() as session:
        for find in (documents_by_id, documents_by_external_id):
            found = find(session, WORKSPACE, names)
            assert {name: one.version_id for name, one in found.items()} == {
                name: world.version_of(name) for name in ("a", "b")
            }
            assert find(session, "other", names) == {}


def test_texts_and_excerpts_are_those_of_the_versions(world: World) -> None:
    texts = {"a": "Ünï 🎉 code", "b": "other"}
    world.add_all(texts)
    versions = {world.version_of(name): text for name, text in texts.items()}
    first = world.version_of("a")
    places = {VersionSpan(first, Span(4, 5)): "🎉", VersionSpan(first, Span(0, 3)): "Ünï"}
    with world.database.read() as session:
        assert dict(texts_of(session, list(versions))) == versions
        assert excerpts(session, list(places)) == places
        assert excerpts(session, [place(1, 4, world.version_of("b"))]) == {place(1, 4, world.version_of("b")): "the"}
