"""The check of a promotion: every condition with its figures, whether all are met, and promoting on that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.context.aliases.changes import Change, promote
from app.context.aliases.records import AliasChangeRow, load_alias
from app.evaluation.promotion.condition import Condition
from app.evaluation.promotion.embedder import embedder
from app.evaluation.promotion.freshness import evidence, freshness
from app.evaluation.promotion.material import Material, gather_material, name_of
from app.evaluation.promotion.quality import quality
from app.evaluation.promotion.resources import resources
from app.evaluation.statistics.pair_verdict import PairVerdict
from configs.errors import ConflictError


class PromotionCheck(BaseModel):
    """Whether the candidate of an alias may be promoted."""

    model_config = ConfigDict(frozen=True)

    alias: str
    candidate: str
    active: str | None = Field(description="null before the first promotion: there is nothing to be compared with")
    experiment_id: str | None
    question_set: str | None
    question_set_hash: str | None
    metric: str | None = Field(description="the deciding one")
    is_met: bool = Field(description="whether every condition is")
    conditions: list[Condition]
    verdict: PairVerdict | None = Field(description="how the candidate is to the active one, where it was compared")

    @property
    def unmet(self) -> list[Condition]:
        """Return the conditions that are not met."""
        return [one for one in self.conditions if not one.is_met]


class Override(BaseModel):
    """What was promoted although conditions were not met, and why."""

    reason: str
    unmet: list[str]


def check_promotion(session: Session, material: Material) -> PromotionCheck:
    """Return every condition of promoting the candidate; it changes nothing."""
    conditions = [
        evidence(material),
        *freshness(session, material),
        *embedder(session, material),
        *quality(session, material),
        *resources(material),
    ]
    experiment, findings = material.experiment, material.findings
    return PromotionCheck(
        alias=material.alias.name,
        candidate=name_of(material.candidate),
        active=None if material.active is None else name_of(material.active),
        experiment_id=None if experiment is None else experiment.id,
        question_set=None if experiment is None else experiment.question_set,
        question_set_hash=None if experiment is None else experiment.question_set_hash,
        metric=None if findings is None else findings.metric,
        is_met=all(one.is_met for one in conditions),
        conditions=conditions,
        verdict=material.verdict(),
    )


def promote_with_evidence(
    session: Session, workspace_id: str, alias: str, experiment_id: str | None, change: Change, override: str | None
) -> AliasChangeRow:
    """Promote the candidate of the alias where every condition is met, or with the reason of an override.

    Check and promotion are one write unit. Raises NotFoundError, and ConflictError: `no_candidate`, `index_missing`,
    which no override helps, and `promotion_refused` with every unmet condition.
    """
    row = load_alias(session, workspace_id, alias, to_change=True)
    checked = check_promotion(session, gather_material(session, row, experiment_id))
    if checked.unmet and override is None:
        names = ", ".join(one.name for one in checked.unmet)
        raise ConflictError(
            f"{checked.candidate} may not be promoted to {alias!r}: {len(checked.unmet)} of "
            f"{len(checked.conditions)} conditions are not met ({names})",
            hint="meet the conditions in `unmet`, or give an `override_reason`, which is kept and shown",
            code="promotion_refused",
            unmet=[one.model_dump(mode="json") for one in checked.unmet],
        )
    kept = checked.model_dump(mode="json")
    overridden = None
    if checked.unmet and override is not None:
        overridden = Override(reason=override, unmet=[one.name for one in checked.unmet]).model_dump()
    return promote(session, row, change, {**kept, "override": overridden})
