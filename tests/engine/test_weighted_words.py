"""Weighted prompts as states: against diffusers' pipelines on texts without marks, and by hand."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from backend.engine.conditioning import build_conditioning, embed, fit_tokens
from backend.engine.weighted_words import read_plan_words
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.load import reference_img2img
from backend.models.word_embedding import describe_embedding, read_embedding
from backend.plan.weighted_prompt import WeightedCard
from tests.engine.test_conditioning import pipelines_words
from tests.models.embeddings import Form, draw_vectors, write_embedding

CLOSE = 1e-6


def read_words(
    bundle: ModelBundle, *texts: str, skip: int = 1, **vectors: tuple[Tensor, ...]
) -> Any:
    """The bundle as it reads these texts."""
    key = tuple((name, float(one[0].sum())) for name, one in vectors.items())
    words = read_plan_words(bundle, texts, vectors, key, skip)
    return replace(bundle, weighted=words)


def close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= CLOSE)


def test_without_weights_it_is_the_pipelines(bundle: ModelBundle) -> None:
    pipeline = reference_img2img(bundle, "ddim")
    for text in ("a red cat", "a (red:1) cat", r"a [\(red\)\:1.0] cat"):
        plain = text.replace("(red:1)", "red").replace("[", "").replace("]", "")
        known, _ = pipelines_words(pipeline, bundle, plain.replace("\\", ""))
        if "[" not in text:
            assert close(embed(read_words(bundle, text), text), known)


def test_a_long_prompt_is_rows_of_75(bundle: ModelBundle) -> None:
    """Each row is what the pipeline makes of its own words."""
    words = ["red", "cat", "blue", "house"] * 30
    text, room = " ".join(words), bundle.card.text_length - 2
    per_word = len(bundle.card.token_spans(text)) // len(words)
    count = room // per_word
    parts = [" ".join(words[at : at + count]) for at in range(0, len(words), count)]
    read = read_words(bundle, text)
    assert read.weighted.rows == len(parts) > 1
    pipeline, length = reference_img2img(bundle, "ddim"), bundle.card.text_length
    states = embed(read, text)
    for number, part in enumerate(parts):
        known, _ = pipelines_words(pipeline, bundle, part)
        row = states[:, number * length : (number + 1) * length]
        assert close(row, known[:, :length])
    if bundle.second_text is not None:
        first, _ = pipelines_words(pipeline, bundle, parts[0])
        assert close(states[:, -1:], first[:, -1:])
    assert read.text_columns == length * len(parts)
    assert fit_tokens(read, [length, 10 * length]) == (length,)


def test_break_begins_a_row(tiny1: ModelBundle) -> None:
    text = "a red cat BREAK a blue house"
    states = embed(read_words(tiny1, text), text)
    length = tiny1.card.text_length
    assert close(states[:, :length], embed(tiny1, "a red cat"))
    assert close(states[:, length:], embed(tiny1, "a blue house"))


def test_a_weight_moves_its_own_tokens_away_from_nothing(bundle: ModelBundle) -> None:
    text, factor = "a (red:1.5) [[cat]] house", 1 / 1.21
    card = WeightedCard(bundle.card)
    at = {word: text.index(word) for word in ("red", "cat")}
    spans = card.token_spans(text)
    red, cat = (
        [one.position for one in spans if at[word] <= one.start < at[word] + 3]
        for word in ("red", "cat")
    )
    plain, states = embed(bundle, "a red cat house"), embed(read_words(bundle, text), text)
    nothing = embed(replace(bundle, card=replace(bundle.card, zero_empty=False), kept=_none()), "")
    wanted = plain.clone()
    for tokens, weight in ((red, 1.5), (cat, factor)):
        assert tokens
        wanted[0, tokens] = nothing[0, tokens] + weight * (plain - nothing)[0, tokens]
    assert close(states, wanted)
    rest = [k for k in range(plain.shape[1]) if k not in (*red, *cat)]
    assert close(states[:, rest], plain[:, rest])
    assert not close(states, plain)


def _none() -> Any:
    from backend.models.bundle import BoundedMemory

    return BoundedMemory()


@pytest.mark.parametrize("skip", [1, 2])
def test_clip_skip_is_the_pipelines(bundle: ModelBundle, skip: int) -> None:
    pipeline, text = reference_img2img(bundle, "ddim"), "a red cat"
    pipeline.text_encoder = copy.deepcopy(bundle.text_encoder)
    # it looks for the last norm where transformers 4 had it (findings)
    object.__setattr__(pipeline.text_encoder, "text_model", pipeline.text_encoder)
    length = bundle.card.text_length
    known = pipeline.encode_prompt(
        text,
        device=bundle.device,
        num_images_per_prompt=1,
        do_classifier_free_guidance=False,
        clip_skip=skip - 1 or None,
    )[0]
    layers = bundle.text_encoder.config.num_hidden_layers
    if bundle.second_text is not None and skip + 1 > layers:
        with pytest.raises(RequestError, match=r"layers to choose"):
            embed(read_words(bundle, text, skip=skip), text)
        return
    assert close(embed(read_words(bundle, text, skip=skip), text)[:, :length], known)


def test_too_much_clip_skip_is_a_sentence(tiny1: ModelBundle) -> None:
    with pytest.raises(RequestError, match="Clip skip is 99"):
        embed(read_words(tiny1, "red", skip=99), "red")


@pytest.mark.parametrize("form", ["a1111", "safetensors", "diffusers", "diffusers_bin"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_embedding_is_diffusers_own(
    tiny1: ModelBundle, tmp_path: Path, form: Form, count: int
) -> None:
    """Equal to load_textual_inversion, in the middle of a prompt and in the negative one."""
    path = write_embedding(tmp_path / "embeddings", "scribble", form, draw_vectors(tiny1, count))
    found = describe_embedding(path)
    assert (found.name, found.vectors, found.widths) == ("scribble", count, tiny1.card.words_widths)
    read = read_words(tiny1, "a scribble cat", scribble=read_embedding(found))
    pipeline = reference_img2img(tiny1, "ddim")
    pipeline.tokenizer, pipeline.text_encoder = _copies(tiny1)
    pipeline.load_textual_inversion(str(path), token="<own>")
    known, negative = pipeline.encode_prompt("a <own> cat", "cpu", 1, True, "<own>, blue")
    words = build_conditioning(read, "a scribble cat", "embedding:scribble, blue", 2.0, 1)
    assert close(words.positive, known)
    assert close(words.negative, negative)
    assert not close(words.positive, embed(tiny1, "a cat"))


def _copies(bundle: ModelBundle) -> tuple[Any, Any]:
    """diffusers puts the new tokens into both: a shared model must not have them."""
    return copy.deepcopy(bundle.tokenizer), copy.deepcopy(bundle.text_encoder)


def test_an_embedding_can_be_weighted(tiny1: ModelBundle) -> None:
    vectors = {"blot": draw_vectors(tiny1, 2)}
    plain = embed(read_words(tiny1, "a blot", **vectors), "a blot")
    strong = embed(read_words(tiny1, "a (blot:1.4)", **vectors), "a (blot:1.4)")
    differing = (plain != strong).any(-1)[0].nonzero().flatten().tolist()
    spans = WeightedCard(tiny1.card, {"blot": 2}).token_spans("a (blot:1.4)")
    assert differing == [one.position for one in spans[-2:]]
