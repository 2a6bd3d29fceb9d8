"""The settings of sections as JSON: defaults, bounds, and what a partial one means."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.context.sections.settings import DEFAULT_SECTIONS, SECTION_ORDER, Sections, SectionSettings


def test_the_most_stable_sections_come_first() -> None:
    ranks = {"static": 0, "session": 1, "turn": 2}
    order = [ranks[DEFAULT_SECTIONS[name].stability] for name in SECTION_ORDER]
    assert order == sorted(order)
    assert SECTION_ORDER[-1] == "question"


def test_the_defaults_share_out_everything_and_documents_keep_at_least_half() -> None:
    assert sum(section.share for section in DEFAULT_SECTIONS.values()) == pytest.approx(1)
    assert DEFAULT_SECTIONS["documents"].share >= 0.5
    free = {name for name, section in DEFAULT_SECTIONS.items() if section.overflow != "fail"}
    assert free == {"profile", "history", "memories", "documents"}
    assert min(free, key=lambda name: DEFAULT_SECTIONS[name].priority) == "documents"


def test_a_section_named_in_part_keeps_its_own_defaults_for_the_rest() -> None:
    sections = Sections.model_validate({"profile": {"share": 0.2}})
    assert sections.profile == DEFAULT_SECTIONS["profile"].model_copy(update={"share": 0.2})
    assert sections.by_name == {**DEFAULT_SECTIONS, "profile": sections.profile}
    assert Sections.model_validate_json(sections.model_dump_json()) == sections
    assert Sections(history=SectionSettings(share=0.1)).history == SectionSettings(share=0.1)


def test_the_sections_stand_in_the_order_of_sending() -> None:
    assert tuple(Sections.model_fields) == SECTION_ORDER
    assert tuple(Sections().by_name) == SECTION_ORDER


@pytest.mark.parametrize(
    "wrong",
    [
        {"profile": {"share": 1.1}},
        {"profile": {"share": -0.1}},
        {"profile": {"priority": -1}},
        {"profile": {"minimum_tokens": -1}},
        {"profile": {"minimum_tokens": 11, "maximum_tokens": 10}},
        {"profile": {"overflow": "explode"}},
        {"profile": {"stability": "week"}},
        {"profile": {"unknown": 1}},
        {"profile": 5},
        {"footer": {}},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Sections.model_validate(wrong)
    assert caught.value.errors()[0]["loc"][0] == next(iter(wrong))


@pytest.mark.parametrize("model", [Sections, SectionSettings])
def test_every_setting_is_described_and_live(model: type[Sections] | type[SectionSettings]) -> None:
    for field in model.model_fields.values():
        assert len((field.description or "").split()) >= 4
        assert field.json_schema_extra == {"applies": "live"}
