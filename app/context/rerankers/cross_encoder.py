"""Reranking by a model that reads question and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from app.context.rerankers import Reranked, Reranker
from app.context.rerankers.pair_models import loaded_scorer
from app.context.search.contents import HitContents
from configs.part import LIVE
from configs.text import Text
from indexes.search import Hit
from ingest.models import content_sha256, locate


class CrossEncoder(Reranker):
    """Let a cross-encoder of the sentence-transformers library score question and passage together.

    No such model is shipped: name one that lies on the service's machine, or the request is refused. Of all options it
    improves the order most and costs most: 5 to 50 ms a passage on a processor, so 0.3 to 2.5 seconds for 50. It reads
    title, heading path and text as they are indexed; a pair beyond the model's window is cut, and the step of the hit
    says by how much.
    """

    kind: Literal["cross_encoder"]
    model: Text = Field(
        min_length=1,
        max_length=500,
        description="path of a model's folder, the name of one in PLAYGROUND_MODEL_FOLDER, or, where "
        "PLAYGROUND_ALLOW_MODEL_HUB is set, organisation/model on the model hub",
        json_schema_extra=LIVE,
    )
    time_budget_ms: int | None = Field(
        None,
        ge=1,
        le=600_000,
        description="rerank only as many hits as fit into this time at the pace measured so far, 1 to `depth`: the "
        "result then depends on the machine's load, and the receipt says how many were read. null: always `depth`",
        json_schema_extra=LIVE,
    )
    content_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="hash of the model's files; filled in when a strategy is saved, and checked when it is loaded",
        json_schema_extra=LIVE,
    )

    def resolved(self) -> Self:
        """Return the part with the content of its model's files. Raises what `ingest.models.locate` raises."""
        if self.content_sha256 is not None:
            return self
        return self.model_copy(update={"content_sha256": content_sha256(locate(self.model))})

    def as_deep_as(self, reached: int) -> Self:
        """Return the part with the depth that its time budget allowed, in place of the budget."""
        if self.time_budget_ms is None:
            return self
        return self.model_copy(update={"depth": reached, "time_budget_ms": None})

    def rerank(self, question: str, hits: Sequence[Hit], contents: HitContents) -> Reranked:
        scorer = loaded_scorer(self.model, self.content_sha256)
        depth = len(hits)
        if self.time_budget_ms is not None:
            depth = min(depth, scorer.affordable_pairs(self.time_budget_ms))
        texts = contents.indexed_texts(hits[:depth])
        scores, cut_tokens = scorer.score(question, texts)
        order = sorted(range(depth), key=lambda number: (-scores[number], number))
        return Reranked(
            order=order,
            details=[
                {"model_score": score, "cut_tokens": cut} for score, cut in zip(scores, cut_tokens, strict=True)
            ],
            totals={"reranked": depth, "cut_pairs": sum(map(bool, cut_tokens))},
        )  # fmt: skip
