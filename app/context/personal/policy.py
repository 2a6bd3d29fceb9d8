"""Which of what is known of a user acts on their contexts, and how strongly."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.context.users.feedback_boosts import BoostSettings
from app.context.users.memory_ranking import MemoryWeights
from app.context.users.query_personalisation import QueryPersonalisation
from configs.part import LIVE


class PersonalisationPolicy(BaseModel):
    """What of a user enters a context. Without a user, and for one who opted out, none of it acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: bool = Field(True, description="send the user's facts", json_schema_extra=LIVE)
    history: bool = Field(True, description="send the turns of the conversation", json_schema_extra=LIVE)
    memories: bool = Field(True, description="send the memories that fit the question", json_schema_extra=LIVE)
    preferences: bool = Field(
        True,
        description="send language and length of answers, leave banned documents out, lift preferred ones",
        json_schema_extra=LIVE,
    )
    feedback: bool = Field(True, description="lift and lower documents by the feedback on them", json_schema_extra=LIVE)
    most_memories: int = Field(
        20, ge=0, le=100, description="memories that may enter, the best ranked first", json_schema_extra=LIVE
    )
    memory_weights: MemoryWeights = Field(
        MemoryWeights(), description="what decides which memories come first", json_schema_extra=LIVE
    )
    boosts: BoostSettings = Field(
        BoostSettings(), description="how far feedback and preferences reach", json_schema_extra=LIVE
    )
    query: QueryPersonalisation = Field(
        QueryPersonalisation(),
        description="moves the question towards what the user liked before; off unless `blend` is above 0",
        json_schema_extra=LIVE,
    )

    @property
    def is_active(self) -> bool:
        """Tell whether anything personal can act."""
        return (
            self.profile or self.history or self.memories or self.preferences or self.feedback or self.query.blend > 0
        )
