"""Which cuts lie inside a sentence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sentences import is_inside_sentence, sentence_starts


@pytest.mark.parametrize(
    ("marked", "is_inside"),
    [
        ("One sentence. ^Another one.", False),
        ("One sentence.^ Another one.", False),
        ("One sentence ^goes on.", True),
        ("One sen^tence.", True),
        ("Really? ^Yes.", False),
        ("Stop! ^Now.", False),
        ("And so… ^It ends.", False),
        ("好。^明天。", False),
        ("好\uff0c^明天。", True),
        ('He said "no." ^Then he left.', False),
        ("(See above.) ^Then go on.", False),
        ("See Dr. ^Smith about it.", True),
        ("Use tools, e.g. ^Python.", True),
        ("Written by J. ^Smith in May.", True),
        ("It costs 3.^5 euros.", True),
        ("Version 2. ^It is new.", False),
        ("ends. ^and goes on in lower case.", True),
        ("a paragraph without an end\n\n^Another.", False),
        ("a paragraph without an end^\r\n\r\nAnother.", False),
        ("a wrapped line\n^that goes on.", True),
        ("the list:\n^- an item", False),
        ("- an item\n^- another item", False),
        ("one\n^2. two", False),
        ("text\n^# Heading", False),
        ("| a |\n^| b |", False),
        ("one - ^two", True),
        ("one ^- two", True),
        ("^The start.", False),
        ("  ^The start.", False),
        ("The end^", False),
        ("The end^  \n", False),
        ("Growth was 3.5 % ^in May.", True),
        ("Read it in Fig. ^3 there.", True),
        ("See No. ^7 on the list.", True),
        ("The answer is no. ^We know.", False),
        ("It came on 3 Oct. ^2021 at last.", True),
        ("It came in Oct. ^We know.", False),
        ("Smith et al. ^Found it.", True),
        ("1. ^The first item", True),
        ("  12) ^The twelfth item", True),
        ("text\na. ^The first item", True),
        ("It was in 1999. ^Then it ended.", False),
        ("They were 12. ^Then one left.", False),
        ("12.\n^A line of its own", False),
        ("It was Acme Inc. ^Chairman Smith who left.", True),
        ("He left Acme Inc. ^The rest stayed.", False),
        ("He left Acme Inc. ^“The rest stayed.”", False),
        ("Müller & Co. ^KG hat bestellt.", True),
        ("Er ging zu Müller & Co. ^Die anderen blieben.", False),
        ("They asked Gen. ^A. Smith.", True),
        ("They asked the Gen. ^A man came.", False),
        ("It is Rev. ^3 of the plan.", True),
        ("The wall had 10 ft. ^Smith built it.", False),
        ("He is our best rep. ^Smith left.", False),
        ("They have co. ^Then it ended.", False),
        ("Am 3. ^Oktober 2024 war Feiertag.", True),
        ("Vom 10. bis 12. ^März ging es.", True),
        ("Vom 3./4.^ Mai an.", True),
        ("Am 3.\n^Oktober 2024 war Feiertag.", True),
        ("Am 12. ^Okt. 2024 war es.", True),
        ("Es waren 12. ^Maier kam.", False),
        ("Es waren 12. ^Okt war es nicht.", False),
        ("Es war 2024. ^Oktober war mild.", False),
        ("Es ist Ausgabe 3.12. ^Oktober war mild.", False),
        ("They were 12. ^May came.", False),
    ],
)
def test_a_cut_is_inside_a_sentence_or_not(marked: str, is_inside: bool) -> None:
    position = marked.index("^")
    text = marked[:position] + marked[position + 1 :]
    assert is_inside_sentence(text, position) is is_inside


RANKS = ("Gen", "Col", "Capt", "Lt", "Sgt", "Maj", "Cmdr", "Rev", "Hon", "Gov", "Sen", "Rep", "Pres", "Mt", "Ft")
COMPANIES = ("Inc", "Ltd", "Corp", "Co")
MONTHS = [
    "Januar",
    "Jänner",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]


@pytest.mark.parametrize("short", [*RANKS, *COMPANIES])
def test_an_abbreviation_of_a_name_is_decided_by_what_follows(short: str) -> None:
    for follows, is_inside in (("Grant said so.", True), ("said so.", True), ("The others left.", False)):
        text = f"They told Acme {short}. {follows} Then all went."
        assert (text.index(follows) not in sentence_starts(text, 0, len(text))) is is_inside
        assert text.index("Then") in sentence_starts(text, 0, len(text))


@pytest.mark.parametrize("month", MONTHS)
def test_a_day_before_its_german_month_ends_no_sentence(month: str) -> None:
    text = f"Das war am 3. {month} 2024 so. Am 31. {month} kam er. Ende."
    assert list(sentence_starts(text, 0, len(text))) == [text.index("Am 31."), text.index("Ende.")]


def test_only_the_neighbourhood_is_read() -> None:
    text = "word " * 200_000
    assert all(is_inside_sentence(text, position) for position in range(5, 20_000, 5))


@pytest.mark.parametrize(
    "marked",
    [
        "One. ^Two! ^Three? ^Four… ^Five.",
        "He said so.” ^Then (perhaps.) ^Nothing.",
        "Dr. Smith has 3.5 % e.g. in No. 7. ^Then he left.",
        "A paragraph without an end\n\n^Another one\n \n\n^A third",
        "A list:\n^- one\n^- two\n  goes on",
        "1. Point one.\n^2. Point two.\n^3. Point three.",
        "| a | b |\n^| 1 | 2 |",
        "好。^明天。^后天",
        "Line one\r\n\r\n^Line two. \r\n^Line three.",
        "wrapped in\nthe middle, then ended.  \n ^And a new one.",
    ],
)
def test_sentences_start_where_they_should(marked: str) -> None:
    text = marked.replace("^", "")
    parts = marked.split("^")
    expected = [sum(map(len, parts[: number + 1])) for number in range(len(parts) - 1)]
    assert list(sentence_starts(text, 0, len(text))) == expected


def test_only_starts_inside_the_stretch_are_told() -> None:
    text = "One. Two. Three. Four."
    assert list(sentence_starts(text, 0, len(text))) == [5, 10, 17]
    assert list(sentence_starts(text, 5, 17)) == [10]
    assert list(sentence_starts(text, 5, 10)) == list(sentence_starts(text, 3, 3)) == []


@given(st.lists(st.sampled_from(["a", "B", ". ", "! ", "\n", "\n\n", "- ", "1. ", " ", "。", "Dr. ", '."'])))
def test_starts_rise_and_are_no_cuts_inside_a_sentence(parts: list[str]) -> None:
    text = "".join(parts)
    starts = list(sentence_starts(text, 0, len(text)))
    assert starts == sorted(set(starts))
    assert not any(is_inside_sentence(text, start) for start in starts)


@pytest.mark.parametrize("unit", [" ", "\n", "\n ", ".", ". ", ".)", "- ", "\n- ", "1. ", "。", "a"])
def test_long_runs_take_no_quadratic_time(unit: str) -> None:
    text = "Word. " + unit * 100_000 + "Word."
    begun = time.process_time()
    assert len(list(sentence_starts(text, 0, len(text)))) <= 200_000
    assert time.process_time() - begun < 5
