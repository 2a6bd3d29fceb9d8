"""Feedback for lexical search: the question gets words of the first passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.query_expansions import Expanded, FirstSearch, QueryExpansion
from app.context.query_expansions.feedback import LeastLead, check_lead, lead_of, with_feedback_terms
from configs.part import LIVE


class Rm3(QueryExpansion):
    """Search again with the question's words and the most telling words of the first passages found.

    All weights sum to 1: `original_weight` is the question's part, the rest goes to the added terms (RM3, Abdul-Jaleel
    et al., TREC 2004). Needs one lexical store. Costs a second search with more terms, a few milliseconds. It pays
    where questions are short and the documents have a vocabulary of their own; it hurts where the first passages are
    wrong, and therefore waits until they lead. Answers show each passage's rank without it.
    """

    kind: Literal["rm3"]
    original_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="weight of the question's own words against those added; 1 changes nothing",
        json_schema_extra=LIVE,
    )
    passages: int = Field(8, ge=1, le=50, description="how many first passages are read", json_schema_extra=LIVE)
    terms: int = Field(15, ge=1, le=100, description="most terms that are added", json_schema_extra=LIVE)
    least_lead: LeastLead = 1.0

    def check_setup(self, signals: Sequence[str], candidates: int) -> None:
        if list(signals).count("lexical") != 1:
            raise ValueError(
                "the expansion rm3 adds words to the question: it needs exactly one lexical store; add bm25, or take "
                "rocchio for a dense store"
            )
        check_lead(self.least_lead, self.passages, candidates)

    def expand(self, first: FirstSearch) -> Expanded:
        lead = lead_of(first.hits, self.passages)
        query, terms = first.query, list[tuple[str, float]]()
        if lead >= self.least_lead:
            query, terms = with_feedback_terms(first, self.passages, self.terms, self.original_weight)
        details = {"lead": lead, "used": int(query is not first.query), "terms": len(terms)}
        return Expanded(queries={"feedback": query}, details=details, terms=terms)
