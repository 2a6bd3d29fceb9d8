"""The catalogue: every family, its members and their settings, the presets, and the registry of embedding models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.authentication import needs
from app.api.idempotency import PlaygroundRoute
from app.context.expansions import Expansion
from app.context.packers import Packer
from app.context.query_expansions import QueryExpansion
from app.context.renderers import Renderer
from app.context.rerankers import Reranker
from app.context.strategy import Strategy, load_presets
from app.evaluation.metrics import Metric
from configs.part import Part
from indexes.fusions import Fusion
from indexes.stores import Store
from ingest.chunkers import Chunker
from ingest.embedders import Embedder
from ingest.model_registry import KnownModel, known_models
from ingest.parsers import Parser

router = APIRouter(prefix="/v1/catalog", tags=["catalog"], route_class=PlaygroundRoute)
FAMILIES: tuple[type[Part], ...] = (
    Parser, Chunker, Embedder, Store, Fusion, QueryExpansion, Reranker, Expansion, Packer, Renderer, Metric
)  # fmt: skip


class SettingView(BaseModel):
    """One setting of a member."""

    name: str
    description: str
    applies: str = Field(description="`bake_time`: changing it needs a new index; `live`: it acts at once")
    default: Any
    json_schema: dict[str, Any]


class MemberView(BaseModel):
    """One member of a family."""

    kind: str
    description: str
    settings: list[SettingView]
    json_schema: dict[str, Any] = Field(description="JSON schema of the whole member")


class FamilyView(BaseModel):
    """A family of interchangeable parts."""

    family: str
    description: str
    members: list[MemberView]


class PresetView(BaseModel):
    """A named strategy that ships with the service."""

    name: str
    description: str
    strategy: Strategy


class Catalog(BaseModel):
    """Everything strategies can be made of."""

    families: list[FamilyView]
    presets: list[PresetView]
    models: list[KnownModel] = Field(description="embedding models whose figures are known, with where each comes from")


@router.get("", summary="What strategies can be made of")
@needs("caller")
async def get_catalog() -> Catalog:
    """Return the families of parts with their members and settings, and the presets, and the known embedding models."""
    presets = [
        PresetView(name=preset.name, description=preset.description, strategy=preset.strategy)
        for preset in load_presets().values()
    ]
    return Catalog(families=[_family(family) for family in FAMILIES], presets=presets, models=list(known_models()))


def _family(family: type[Part]) -> FamilyView:
    members = [_member(kind, member) for kind, member in family.members().items()]
    return FamilyView(family=family.__name__.lower(), description=_first_line(family), members=members)


def _member(kind: str, member: type[Part]) -> MemberView:
    schema = member.model_json_schema()
    settings = []
    for name, field in member.model_fields.items():
        extra = field.json_schema_extra
        if name == "kind":
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        settings.append(
            SettingView(
                name=name,
                description=field.description or "",
                applies=str(extra.get("applies", "")) if isinstance(extra, dict) else "",
                default=default.model_dump(mode="json") if isinstance(default, BaseModel) else default,
                json_schema=schema["properties"][name],
            )
        )
    return MemberView(kind=kind, description=_first_line(member), settings=settings, json_schema=schema)


def _first_line(part: type[Part]) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]
