"""How weighted prompts are read: pieces, rows, and what plans and notes say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.plan.build import build_plan, scene_notes
from backend.plan.plan import Plan
from backend.plan.request import Compose, LearnEmbeddings, RunSettings
from backend.plan.survey import survey
from backend.plan.weighted_prompt import (
    WeightedCard,
    choose_embeddings,
    find_marks,
    find_unknown_marks,
    list_tags,
    split_pieces,
    strip_marks,
)
from backend.scene.records import BlobDigest
from tests.plan.scenes import stage
from tests.plan.word_card import WordCard

HABIT = "(a red ball:1.3) BREAK a blue ball++ on {the grass} <lora:foo:1>"
"""Of the case weights_by_habit.ora."""


DIGEST = BlobDigest("0" * 64)


@dataclass(frozen=True)
class Known:
    """An embedding that was found."""

    name: str
    vectors: int = 1
    widths: tuple[int, ...] = (8,)
    digest: BlobDigest = DIGEST


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a (red:1.2) cat", [("a ", 1.0), ("red", 1.2), (" cat", 1.0)]),
        ("((cat))", [("cat", 1.21)]),
        ("[cat] dog", [("cat", 1 / 1.1), (" dog", 1.0)]),
        ("(a [b] c:2)", [("a ", 2.0), ("b", 2 / 1.1), (" c", 2.0)]),
        (r"\(cat\) \[dog\]", [("(cat) [dog]", 1.0)]),
        ("(cat", [("cat", 1.1)]),
        ("cat) dog]", [("cat) dog]", 1.0)]),
        ("a:1.5) b", [("a:1.5) b", 1.0)]),
        ("(a, b:.5)", [("a, b", 0.5)]),
        ("(cat:-1)", [("cat", -1.0)]),
        ("(cat:99999)", [("cat", 10.0)]),
        ("a BREAK b", [("a ", 1.0), ("", None), (" b", 1.0)]),
        ("BREAKFAST", [("BREAKFAST", 1.0)]),
        ("cat <lora:ink:0.8> dog", [("cat  dog", 1.0)]),
        ("", []),
    ],
)
def test_pieces_have_the_weights_that_are_written(
    prompt: str, pieces: list[tuple[str, float | None]]
) -> None:
    found = split_pieces(prompt)
    assert [one.text for one in found] == [text for text, _ in pieces]
    for one, (_, weight) in zip(found, pieces, strict=True):
        assert one.is_break is (weight is None)
        assert weight is None or one.weight == pytest.approx(weight)
    for one in found:
        assert "".join(prompt[place] for place in one.places if not one.is_break) == one.text


def test_names_of_embeddings_are_whole_words_in_any_case() -> None:
    names = ("easynegative", "bad", "bad-hand")
    found = split_pieces("EasyNegative, (embedding:bad-hand.pt:1.2), badly bad", names)
    assert [(one.embedding, round(one.weight, 2)) for one in found if one.embedding] == [
        ("easynegative", 1.0),
        ("bad-hand", 1.2),
        ("bad", 1.0),
    ]


def test_tokens_stand_in_rows() -> None:
    """Seven columns a row: five tokens; words and embeddings are not torn, BREAK begins a row."""
    layout = WeightedCard(WordCard(text_length=7), {"e": 3}).lay_out("a b c e d BREAK f")
    assert [one.position for one in layout.tokens] == [1, 2, 3, 8, 9, 10, 11, 15]
    assert layout.rows == 3
    torn = WeightedCard(WordCard(text_length=7, piece=1)).lay_out("aaaa bbb")
    assert [one.position for one in torn.tokens] == [1, 2, 3, 4, 8, 9, 10]
    endless = WeightedCard(WordCard(text_length=7, piece=1)).lay_out("a" * 12)
    assert [one.position for one in endless.tokens] == [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16]
    assert WeightedCard(WordCard()).lay_out("").rows == 1


def test_spans_are_of_the_prompt_as_it_is_written() -> None:
    prompt = r"a (red apple:1.3) \(ripe\)"
    spans = WeightedCard(WordCard()).token_spans(prompt)
    assert [prompt[one.start : one.end] for one in spans] == [
        *("a", "red", "apple", "(", "ripe", ")"),
    ]


def test_tags_and_marks_are_told() -> None:
    assert list_tags("<lora:a b:0.5:1> <lyco:c> <lora:d:x>") == (("a b", 0.5), ("c", 1), ("d", 1))
    assert strip_marks(HABIT) == "a red ball a blue ball++ on {the grass}"
    assert find_marks(HABIT) == "(a red ball:1.3)"
    assert find_unknown_marks(HABIT) == "ball++"
    assert find_marks("a (small) house [1]") == find_unknown_marks("C++: a b-a") == ""
    assert find_unknown_marks("a [cat|dog]") == "[cat|dog]"


def test_deep_brackets_are_quick() -> None:
    assert len(split_pieces("(" * 4000)[0].text) == 4000 - 32


def plan_of(prompt: str, card: Any = None, weighted: bool = True, **settings: Any) -> Plan:
    on = stage()
    scene = on.scene.model_copy(update={"prompt": prompt})
    asked = Compose(settings=RunSettings(weighted_prompt=weighted, **settings))
    return build_plan(scene, asked, card or WordCard(), on.pixels)


def test_a_plan_of_words_is_the_same_in_either_manner() -> None:
    plain = plan_of("a fox and an apple", weighted=False)
    assert plan_of("a fox and an apple") == plain
    assert plan_of("a fox and an apple", clip_skip=2).digest() != plain.digest()
    marked = plan_of("a (fox:1.2) and an apple")
    assert (marked.weighted_prompt, plain.weighted_prompt) == (True, False)
    assert marked.digest() != plan_of("a (fox:1.2) and an apple", weighted=False).digest()
    assert Plan.model_validate_json(marked.model_dump_json()) == marked


def test_a_phrase_is_bound_to_its_words_inside_brackets_and_beyond_the_first_row() -> None:
    fox = {one.id: one.phrase for one in stage().scene.layers}
    (layer, phrase) = next((one, words) for one, words in fox.items() if "fox" in words)
    marked = plan_of(f"some (({phrase})) here")
    tokens = {one.id: one.tokens for one in marked.layers}[layer]
    assert tokens == tuple(range(2, 2 + len(phrase.split())))
    late = plan_of("very " * 80 + phrase)
    tokens = {one.id: one.tokens for one in late.layers}[layer]
    assert tokens == tuple(range(77 + 6, 77 + 6 + len(phrase.split())))
    assert not [one for one in late.notes if "truncated" in one.code]
    cut = plan_of("very " * 80 + phrase, weighted=False)
    assert [one.code for one in cut.notes if "truncated" in one.code]


def test_embeddings_are_planned_by_content_where_they_fit() -> None:
    card = WordCard(embeddings=(Known("Blot", 2), Known("big", 1, (16,))))
    plan = plan_of("a blot and a big fox", card)
    assert [(one.name, one.vectors) for one in plan.embeddings] == [("blot", 2)]
    texts = [one.text for one in plan.notes if one.code == "prompt_marks"]
    assert any("words of 16 numbers and this model's have 8" in text for text in texts)
    assert any("“blot” stands for the embedding" in text for text in texts)
    assert plan_of("a blot and a big fox", card, weighted=False).embeddings == ()
    both = replace(card, embeddings=(Known("blot", 1, (16,)), Known("blot", 3)))
    fitting, misfits = choose_embeddings(both, ["blot"])
    assert (fitting["blot"].vectors, misfits) == (3, {})


def notes_of(prompt: str, weighted: bool) -> list[str]:
    on = stage()
    scene = on.scene.model_copy(update={"prompt": prompt})
    found = scene_notes(survey(scene, WordCard(), on.pixels), RunSettings(weighted_prompt=weighted))
    return [one.text for one in found if one.code == "prompt_marks"]


def test_no_habit_is_read_as_words_in_silence() -> None:
    (old,) = notes_of(HABIT, weighted=False)
    assert "“(a red ball:1.3)” is read as words" in old
    assert "Tick “Weights in prompts”" in old
    (new,) = notes_of(HABIT, weighted=True)
    assert "“ball++” is read as words" in new
    assert notes_of("a (small) house", weighted=True) == []
    missing = [one.text for one in plan_of(HABIT).notes if "LoRA “foo”" in one.text]
    assert len(missing) == 1


def test_runs_that_have_no_weights_read_the_words_alone() -> None:
    on = stage()
    scene = on.scene.model_copy(update={"prompt": "a (fox:1.2) and an apple"})
    asked = LearnEmbeddings(
        settings=RunSettings(weighted_prompt=True), layer_ids=(scene.layers[0].id,)
    )
    plan = build_plan(scene, asked, WordCard(), on.pixels)
    assert (plan.prompt, plan.weighted_prompt) == ("a fox and an apple", False)
    assert any("reads the words alone" in one.text for one in plan.notes)
