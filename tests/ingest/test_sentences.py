"""Which cuts lie inside a sentence."""

from __future__ import annotations

import pytest

from ingest.sentences import is_inside_sentence


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
    ],
)
def test_a_cut_is_inside_a_sentence_or_not(marked: str, is_inside: bool) -> None:
    position = marked.index("^")
    text = marked[:position] + marked[position + 1 :]
    assert is_inside_sentence(text, position) is is_inside


def test_only_the_neighbourhood_is_read() -> None:
    text = "word " * 200_000
    assert all(is_inside_sentence(text, position) for position in range(5, 20_000, 5))
