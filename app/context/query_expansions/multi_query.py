"""Several wordings of one question without a language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.context.query_expansions import Expanded, FirstSearch, QueryExpansion
from app.context.query_expansions.feedback import with_feedback_terms, with_feedback_vector
from configs.part import LIVE
from indexes.analysis import ENGLISH_STOP_WORDS
from indexes.stores import Query

_WORD = re.compile(r"\w[\w.\-/]*\w|\w")

_QUESTION_WORDS = (
    "about after all also am any been before being between both but can could did do does doing down during each few "
    "from further get give had has have having he her here hers him his how i its itself just may me might more most "
    "must my need no nor now of off once only onto other our ours out over own please same shall she should so some "
    "tell than them themselves through too under until up us very want we were what when where which while who whom "
    "whose why would you your yours"
)
FUNCTION_WORDS = ENGLISH_STOP_WORDS | frozenset(_QUESTION_WORDS.split())
"""English words that say how something is asked and not what about."""


class MultiQuery(QueryExpansion):
    """Search with three wordings, as it was asked, its keywords, and expanded by feedback, and fuse what they find.

    No language model writes the wordings, and answers label which of them found a passage, at which rank: `original`;
    `keywords`, the question without English function words; `feedback`, with words and vector of the first passages, as
    `rm3` and `rocchio` make them. A wording that equals another is left out. Fused by reciprocal rank. Costs two more
    searches and one more call of the embedder. It pays for long, wordy questions; for short ones it mostly repeats
    itself.
    """

    kind: Literal["multi_query"]
    rank_constant: int = Field(
        60,
        ge=0,
        le=1_000,
        description="k in the sum of 1 / (k + rank) over the wordings; a smaller one gives first ranks more weight",
        json_schema_extra=LIVE,
    )
    feedback_weight: float = Field(
        0.4,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="weight of the first passages in the wording `feedback`; 0 leaves that wording out",
        json_schema_extra=LIVE,
    )
    passages: int = Field(5, ge=1, le=50, description="how many first passages `feedback` uses", json_schema_extra=LIVE)
    terms: int = Field(15, ge=1, le=100, description="most terms that `feedback` adds", json_schema_extra=LIVE)

    def check_setup(self, signals: Sequence[str], candidates: int) -> None:
        if list(signals).count("lexical") > 1:
            raise ValueError("the expansion multi_query adds words for one lexical store; leave out the others")
        unused, why = list[str](), ""
        if self.feedback_weight == 0:
            unused, why = ["passages", "terms"], "feedback_weight is 0"
        elif "lexical" not in signals:
            unused, why = ["terms"], "no store is lexical"
        for name in unused:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} of the expansion multi_query would not be used, as {why}: leave it out")
        super().check_setup(signals, candidates)

    def expand(self, first: FirstSearch) -> Expanded:
        queries = {"original": first.query}
        keywords = " ".join(keywords_of(first.query.text))
        if keywords and keywords.lower() != " ".join(_WORD.findall(first.query.text.lower())):
            queries["keywords"] = Query(text=keywords, vector=first.encode(keywords))
        query, terms = with_feedback_terms(first, self.passages, self.terms, 1 - self.feedback_weight)
        query = with_feedback_vector(first, query, self.passages, self.feedback_weight)
        if query is not first.query:
            queries["feedback"] = query
        details = {"wordings": len(queries), "terms": len(terms)}
        return Expanded(queries=queries, rank_constant=self.rank_constant, details=details, terms=terms)


def keywords_of(question: str) -> list[str]:
    """Return the words of the question that say what it is about, in order; numbers and codes stay whole."""
    return [word for word in _WORD.findall(question) if word.lower() not in FUNCTION_WORDS]
