"""Matching phrases to tokens: a table of cases, then what holds for any prompt."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.plan.phrases import cut_words, match_phrases, nearest_words, normalise, occurrences
from tests.plan.word_card import WordCard

CARD = WordCard()

# prompt, phrases in layer order, the words that each one gets ("" = none), told apart by their
# number from the left
TABLE = [
    ("a red apple", ["red apple"], ["red1 apple1"]),
    ("a Red Apple", ["red apple"], ["Red1 Apple1"]),
    ("a red apple", ["RED APPLE"], ["red1 apple1"]),
    ("a red apple", ["  red   apple "], ["red1 apple1"]),
    ("a red\n apple", ["red apple"], ["red1 apple1"]),
    ("an apple, an apple", ["apple", "apple"], ["apple1", "apple2"]),
    ("an apple, an apple", ["apple"], ["apple1"]),
    ("an apple", ["apple", "Apple"], ["apple1", "apple1"]),
    ("two apples, an apple", ["apple", "apple", "apple"], ["apple1", "apple1", "apple1"]),
    ("a red apple and an apple", ["apple", "red apple"], ["apple2", "red1 apple1"]),
    ("a red apple and an apple", ["red apple", "apple"], ["red1 apple1", "apple2"]),
    ("an apple and a red apple", ["apple", "red apple"], ["apple1", "red1 apple2"]),
    ("a red apple", ["apple", "red apple"], ["", "red1 apple1"]),
    ("a big red apple", ["red apple", "big red"], ["red1 apple1", ""]),
    ("a red apple pie", ["apple pie", "red apple"], ["apple1 pie1", ""]),
    ("the cathedral", ["cat"], [""]),
    ("a bobcat", ["cat"], [""]),
    ("a cat_", ["cat"], [""]),
    ("the cat's hat", ["cat"], ["cat1"]),
    ("cat", ["cat"], ["cat1"]),
    ("cat, dog.", ["dog", "cat"], ["dog1", "cat1"]),
    ("(cat)", ["cat"], ["cat1"]),
    ("a cat.", ["cat."], ["cat1 .1"]),
    ("a cathedral and a cat", ["cat"], ["cat1"]),
    ("cat cat cat", ["cat cat"], ["cat1 cat2"]),
    ("cat cat cat cat", ["cat cat", "cat cat"], ["cat1 cat2", "cat3 cat4"]),
    ("a c++ book", ["c++"], ["c1 +1 +2"]),
    ("a.b", ["a.b"], ["a1 .1 b1"]),
    ("axb", ["a.b"], [""]),
    ("", ["cat"], [""]),
    ("a cat", [""], [""]),
    ("a cat", ["   "], [""]),
    ("a cat", [], []),
    ("un café noir", ["cafe\u0301"], ["café1"]),
    ("a n\u0308 sign", ["n"], [""]),
    ("STRASSE und straße", ["straße"], ["straße1"]),
    ("一只猫坐着", ["猫"], ["一只猫坐着1"]),
    ("a 🦊 fox", ["🦊 fox"], ["🦊1 fox1"]),
    ("a dog and a cat", ["cat", "dog"], ["cat1", "dog1"]),
]


def number_words(prompt: str) -> list[str]:
    """The prompt's tokens as ``word`` and its occurrence, by position (the first is the begin
    token).
    """
    seen: dict[str, int] = {}
    names = ["<begin>"]
    for span in CARD.token_spans(prompt):
        word = prompt[span.start : span.end]
        seen[word] = seen.get(word, 0) + 1
        names.append(f"{word}{seen[word]}")
    return names


@pytest.mark.parametrize(("prompt", "phrases", "wanted"), TABLE)
def test_the_table(prompt: str, phrases: list[str], wanted: list[str]) -> None:
    prompt = normalise(prompt)
    names = number_words(prompt)
    found = match_phrases(prompt, phrases, CARD)
    assert [" ".join(names[token] for token in match.tokens) for match in found] == wanted


def test_the_table_has_thirty_cases() -> None:
    assert len(TABLE) >= 30


def test_a_shared_occurrence_is_told() -> None:
    found = match_phrases("an apple and an apple", ["apple", "apple", "apple"], CARD)
    assert [match.shared for match in found] == [False, False, True]
    assert found[1].tokens == found[2].tokens


def test_a_phrase_inside_another_names_its_holder() -> None:
    found = match_phrases("a red apple", ["apple", "red apple"], CARD)
    assert found[0].inside == "red apple"
    assert found[0].span is None


@pytest.mark.parametrize(
    ("prompt", "phrase", "nearest"),
    [
        ("a golden retriever runs", "golden retreiver", "golden retriever"),
        ("two apples", "apple", "apples"),
        ("A Fox, sleeping", "foxs", "Fox"),
        ("a cathedral", "cat", ""),
        ("a tree", "submarine", ""),
        ("", "cat", ""),
    ],
)
def test_the_nearest_words_are_offered(prompt: str, phrase: str, nearest: str) -> None:
    assert nearest_words(prompt, phrase) == nearest


@pytest.mark.parametrize(
    ("length", "tokens", "cut"),
    [
        (77, (4, 5, 6), ""),
        (8, (4, 5, 6), ""),
        (7, (4, 5), "house"),
        (6, (4,), "green house"),
        (5, (), "tall green house"),
    ],
)
def test_words_beyond_the_row_are_named(length: int, tokens: tuple[int, ...], cut: str) -> None:
    # begin a fox near tall green house end: the row has room for text_length - 2 tokens
    (match,) = match_phrases(
        "a fox near tall green house", ["tall green house"], WordCard(text_length=length)
    )
    assert (match.tokens, match.cut) == (tokens, cut)


def test_a_word_cut_in_the_middle_is_named_whole() -> None:
    card = WordCard(text_length=5, piece=3)  # room for three tokens: a, cat, hed
    (match,) = match_phrases("a cathedral", ["cathedral"], card)
    assert match.tokens == (2, 3)
    assert match.cut == "cathedral"
    assert cut_words("a cathedral now", card) == "cathedral now"
    assert cut_words("a cat", card) == ""


@pytest.mark.parametrize("count", [74, 75, 76, 300])
def test_cut_words_begin_after_seventy_five_tokens(count: int) -> None:
    words = [f"w{number}" for number in range(count)]
    assert cut_words(" ".join(words), CARD) == " ".join(words[75:])


texts = st.text(alphabet="ab cA.é-", max_size=30)


@given(texts, st.lists(st.text(alphabet="ab cA.é", max_size=6), max_size=5))
def test_what_is_found_reads_like_the_phrase_and_overlaps_nothing(
    prompt: str, phrases: list[str]
) -> None:
    prompt = normalise(prompt)
    owned: set[int] = set()
    for phrase, match in zip(phrases, match_phrases(prompt, phrases, CARD), strict=True):
        if match.span is None:
            assert match.tokens == ()
            continue
        found = prompt[match.span.start : match.span.end]
        assert found.lower().split() == normalise(phrase).lower().split()
        touched = set(range(*match.span))
        assert not match.shared or touched <= owned
        assert match.shared or not touched & owned
        owned |= touched
        texts_of_tokens = [
            span for span in CARD.token_spans(prompt) if span.position in match.tokens
        ]
        assert all(
            span.start < match.span.end and match.span.start < span.end for span in texts_of_tokens
        )


@given(texts, st.integers(0, 29), st.integers(1, 8))
def test_any_run_of_whole_words_is_found(prompt: str, start: int, length: int) -> None:
    words = normalise(prompt).split()
    phrase = " ".join(words[start : start + length])
    assert not phrase or occurrences(normalise(prompt), phrase)


def test_decomposed_and_composed_text_are_one() -> None:
    prompt = normalise(unicodedata.normalize("NFD", "ein schöner Bär"))
    assert match_phrases(prompt, [unicodedata.normalize("NFD", "BÄR")], CARD)[0].tokens == (3,)


TABLE = json.loads((Path(__file__).parents[1] / "tables" / "phrases.json").read_text())
"""What, prompt, phrase, and what is found of the prompt in NFC; the page is held to it too."""


@pytest.mark.parametrize(
    ("what", "prompt", "phrase", "found"), TABLE, ids=[one[0] for one in TABLE]
)
def test_phrases_stand_where_the_table_says(
    what: str, prompt: str, phrase: str, found: list[str]
) -> None:
    read = normalise(prompt)
    spans = occurrences(read, normalise(phrase))
    assert [read[span.start : span.end] for span in spans] == found, what


def test_where_no_blanks_stand_the_note_names_what_is_cut_alone() -> None:
    card = WordCard(text_length=6, piece=1)
    assert cut_words("一只红色的球", card) == "的球"
    assert cut_words("a 红色的球 x", card) == "球 x"
