"""Feedback for dense search: the question's vector moves towards those of the first passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.query_expansions import Expanded, FirstSearch, QueryExpansion
from app.context.query_expansions.feedback import LeastLead, check_lead, lead_of, with_feedback_vector
from configs.part import LIVE


class Rocchio(QueryExpansion):
    """Search again with a vector drawn towards the first passages found, for words that mean the same.

    The new vector is (1 - w) x question + w x mean of the first passages, brought back to unit length (Rocchio 1971, as
    dense retrievers use it). Needs a dense store. Costs a second search, a few milliseconds. It pays where questions
    are short and answers use other words; it hurts where the first passages are wrong, and therefore waits until they
    lead. Answers show each passage's rank without it.
    """

    kind: Literal["rocchio"]
    feedback_weight: float = Field(
        0.4,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="weight of the first passages against the question (1 minus it); 0 changes nothing",
        json_schema_extra=LIVE,
    )
    passages: int = Field(4, ge=1, le=50, description="how many first passages are used", json_schema_extra=LIVE)
    least_lead: LeastLead = 1.0

    def check_setup(self, signals: Sequence[str], candidates: int) -> None:
        if "dense" not in signals:
            raise ValueError("the expansion rocchio moves vectors: add a dense store, or take rm3 for a lexical one")
        check_lead(self.least_lead, self.passages, candidates)

    def expand(self, first: FirstSearch) -> Expanded:
        lead = lead_of(first.hits, self.passages)
        query = first.query
        if lead >= self.least_lead:
            query = with_feedback_vector(first, query, self.passages, self.feedback_weight)
        return Expanded(queries={"feedback": query}, details={"lead": lead, "used": int(query is not first.query)})
