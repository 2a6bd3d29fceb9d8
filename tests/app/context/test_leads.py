"""Leads in a context: sent in front of their chunk, paid for, told in the receipt, and rebuilt from it."""

from __future__ import annotations

import dataclasses
import re

from hypothesis import given
from hypothesis import strategies as st

from app.context.assembled import Assembled
from app.context.passages import Candidate
from app.context.policy import ContextPolicy
from app.context.receipt import SourceRecord, receipt_of, replay
from app.context.template_tokens import without_tokens
from configs.errors import InvalidInputError
from configs.span import Lead, Span
from ingest.tokenizers import count_tokens
from tests.app.context.library import Library
from tests.app.context.test_assembly_laws import policies, worlds

HEADER = "| name | size |\n|--|--|\n"
ROWS = [f"| row {number} | {number} |\n" for number in range(8)]
LIBRARY = Library({"t-1": HEADER + "".join(ROWS)})
LEAD = Lead((Span(0, len(HEADER)),), HEADER)


def rows(rank: int, first: int, last: int) -> Candidate:
    """Return the candidate of some rows that needs the header."""
    start = len(HEADER) + sum(map(len, ROWS[:first]))
    found = LIBRARY.candidate(rank, "t-1", start, start + sum(map(len, ROWS[first:last])))
    return dataclasses.replace(found, lead=LEAD)


def assembled(*candidates: Candidate, **settings: object) -> Assembled:
    policy = {"budget_tokens": 600, "answer_reserve_tokens": 100, "near_duplicate_distance": None, **settings}
    return LIBRARY.assemble(ContextPolicy.model_validate(policy), list(candidates))


def sent(made: Assembled) -> list[str]:
    pattern = rf'<doc-{made.nonce} label="S\d+"[^\n]*>\n(.*?)\n</doc-{made.nonce}>\n'
    return re.findall(pattern, made.rendered.text or "", re.DOTALL)


def test_rows_are_sent_under_their_header() -> None:
    made = assembled(rows(1, 5, 7))
    assert sent(made) == [HEADER + ROWS[5] + ROWS[6]]
    (source,) = made.sources
    assert (source.lead, source.tokens) == (LEAD.spans, count_tokens(HEADER + ROWS[5] + ROWS[6]))
    assert source.span == made.decisions[0].span
    assert made.tokens.documents == source.tokens


def test_neighbours_share_one_header_and_others_have_their_own() -> None:
    assert sent(assembled(rows(1, 4, 6), rows(2, 2, 4))) == [HEADER + "".join(ROWS[2:6])]
    apart = assembled(rows(1, 1, 3), rows(2, 5, 7), order="document")
    assert sent(apart) == [HEADER + "".join(ROWS[1:3]), HEADER + "".join(ROWS[5:7])]


def test_rows_behind_what_holds_the_header_itself_repeat_it_not() -> None:
    whole = LIBRARY.candidate(1, "t-1", 0, len(HEADER) + len(ROWS[0]))
    assert sent(assembled(whole, rows(2, 1, 3))) == [HEADER + "".join(ROWS[:3])]


def test_a_lead_is_paid_for() -> None:
    bare = dataclasses.replace(rows(1, 2, 4), lead=Lead())
    needed = {one.lead.text: assembled(one).tokens.total for one in (bare, rows(1, 2, 4))}
    assert needed[HEADER] - needed[""] == count_tokens(HEADER)
    tight = {"budget_tokens": needed[""], "answer_reserve_tokens": 0}
    assert [one.reason for one in assembled(bare, **tight).decisions] == ["packed"]
    (decision,) = assembled(rows(1, 2, 4), **tight).decisions
    assert decision.reason == "budget"
    assert decision.details["needed_tokens"] >= count_tokens(HEADER + ROWS[2] + ROWS[3])


def test_the_receipt_names_the_spans_and_rebuilds_the_same_bytes() -> None:
    made = assembled(rows(1, 1, 3), rows(2, 5, 7))
    receipt = receipt_of(made)
    assert [source.lead for source in receipt.sources] == [((0, len(HEADER)),)] * 2
    assert "name" not in receipt.model_dump_json().replace('"name"', "")
    assert replay(receipt, text_of=LIBRARY.text_of, origin_of=LIBRARY.origin_of) == made.rendered
    old = receipt.sources[0].model_dump(exclude={"lead"})
    assert SourceRecord.model_validate(old).lead == ()


@given(policy=policies, world=worlds(), data=st.data())
def test_with_leads_too_nothing_exceeds_the_budget_and_every_context_is_rebuilt(
    policy: ContextPolicy, world: tuple[Library, list[Candidate]], data: st.DataObject
) -> None:
    library, candidates = world
    led = []
    for candidate in candidates:
        edges = sorted(data.draw(st.lists(st.integers(0, candidate.hit.span.start), max_size=4)))
        spans = tuple(Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False))
        said = "".join(library.text_of(candidate.hit.version_id, span) for span in spans)
        led.append(dataclasses.replace(candidate, lead=Lead(spans, said)))
    try:
        made = library.assemble(policy, led)
    except InvalidInputError:
        return
    assert made.tokens.total <= policy.available_tokens
    assert sum(map(count_tokens, made.rendered.contents)) <= policy.available_tokens
    assert made.tokens.documents == sum(source.tokens for source in made.sources)
    assert replay(receipt_of(made), text_of=library.text_of, origin_of=library.origin_of) == made.rendered
    for source in made.sources:
        texts = [library.text_of(source.version_id, span) for span in (*source.lead, source.span)]
        assert any(without_tokens("".join(texts)) in content for content in made.rendered.contents)
