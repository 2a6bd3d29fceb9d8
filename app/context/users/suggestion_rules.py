"""What rules read in what a user says: facts, memories and a preference, only ever suggested.

The rules are of English, and look at one sentence at a time. A sentence with a question mark states nothing, and one
that is negated (`don't call me Bob`) suggests nothing; neither does what is longer than LONGEST_VALUE.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

SuggestionKind = Literal["fact", "memory", "preference"]
MOST_SUGGESTIONS = 20
LONGEST_VALUE = 1_000

_LANGUAGES = """
albanian arabic basque bengali bulgarian catalan chinese croatian czech danish dutch english estonian finnish french
galician georgian german greek gujarati hebrew hindi hungarian icelandic indonesian irish italian japanese kannada
korean latin latvian lithuanian macedonian malay mandarin marathi norwegian persian polish portuguese punjabi romanian
russian serbian slovak slovene slovenian spanish swahili swedish tamil telugu thai turkish ukrainian urdu vietnamese
welsh
"""
_NO_NAMES = """
a an the at on in if when later back again tomorrow today tonight now soon asap by from for to not crazy old whatever
what anything and or
"""
LANGUAGES = frozenset(_LANGUAGES.split())
NO_NAMES = frozenset(_NO_NAMES.split())


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a rule read: a fact or preference under a key, or a memory without one; `quote` is what was said."""

    kind: SuggestionKind
    key: str | None
    value: str
    quote: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    kind: SuggestionKind
    key: str | None
    pattern: re.Pattern[str]
    value_of: Callable[[str], str]
    is_request: bool = False


def _name(text: str) -> str:
    return "" if text.split()[0].lower() in NO_NAMES else text


def _language(text: str) -> str:
    return text.capitalize() if text.lower() in LANGUAGES else ""


def _words(text: str) -> str:
    return text.strip(" \t,:\"'\u201c\u201d\u2019")


def _phrase(text: str) -> str:
    """Return the words up to where the sentence goes on to something else."""
    return _words(_NEXT_CLAUSE.split(text, maxsplit=1)[0])


def _preferring(text: str) -> str:
    phrase = _phrase(text)
    return f"Prefers {phrase}" if phrase else ""


_NEXT_CLAUSE = re.compile(r",? (?:and|but|so|because|please) (?:i|my|please|you|call)\b|, (?:i|my|please)\b", re.I)
_NAME = r"([^\W\d_][\w'-]{0,40}(?: [A-Z][\w'-]{0,40}){0,3})"
_REST = r"(\S.*)"
_POLITE = r"^(?:hi|hello|hey|ok|okay|and|also|so)?[\s,]*(?:(?:please|can you|could you|would you)[\s,]+){0,2}"
_ANSWER_IN = r"\b(?i:(?:answer|reply|respond|write)(?: to)?(?: me)?(?: only| always)? in) ([^\W\d_]+)"
RULES = (
    _Rule("my_name_is", "fact", "name", re.compile(rf"\b(?i:my name is|my name's) {_NAME}"), _name),
    _Rule("call_me", "fact", "preferred_name", re.compile(rf"\b(?i:call me) {_NAME}"), _name, is_request=True),
    _Rule("i_work_at", "fact", "employer", re.compile(rf"\bI work (?:at|for) {_REST}", re.I), _phrase),
    _Rule("i_work_on", "fact", "works_on", re.compile(rf"\bI(?: work|'m working) on {_REST}", re.I), _phrase),
    _Rule("i_work_as", "fact", "job", re.compile(rf"\bI work as(?: an?| the)? {_REST}", re.I), _phrase),
    _Rule("i_live_in", "fact", "lives_in", re.compile(rf"\bI live in {_REST}", re.I), _phrase),
    _Rule("i_prefer", "memory", None, re.compile(rf"\bI(?:'d| would)? prefer {_REST}", re.I), _preferring),
    _Rule("answer_in", "preference", "language", re.compile(_ANSWER_IN), _language, is_request=True),
    _Rule(
        "remember_that", "memory", None, re.compile(rf"{_POLITE}remember(?: that)?[:,]? {_REST}", re.I), _words,
        is_request=True,
    ),
)  # fmt: skip
_SENTENCE = re.compile(r"[^\n!?]+?(?:[.](?=\s|$)|[!?\n]|$)")
_NEGATED = re.compile(r"\b(?:not|never|don't|doesn't|didn't|won't|wouldn't)\W+(?:\w+\W+)?$", re.I)


def suggest(text: str) -> tuple[Suggested, ...]:
    """Return what the rules read in a text, in its order, each thing once; at most MOST_SUGGESTIONS."""
    found: dict[tuple[str, str | None, str], Suggested] = {}
    for match in _SENTENCE.finditer(text.replace("\u2019", "'")):
        sentence = match[0]
        for rule in RULES:
            if sentence.endswith("?") and not rule.is_request:
                continue
            one = _read(rule, sentence.strip().rstrip(".!?"))
            if one is not None:
                found.setdefault((one.kind, one.key, one.value.lower()), one)
    return tuple(found.values())[:MOST_SUGGESTIONS]


def _read(rule: _Rule, sentence: str) -> Suggested | None:
    match = rule.pattern.search(sentence)
    if match is None or _NEGATED.search(sentence[: match.start()]):
        return None
    value = rule.value_of(match[1]).strip()
    if not value or len(value) > LONGEST_VALUE:
        return None
    return Suggested(rule.kind, rule.key, value, match[0].strip(), rule.name)
