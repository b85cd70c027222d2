"""Looks in a token row: a look that is a word's own vector reads like that word."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.engine.conditioning import embed
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.scene.formats.embedding import Embedding
from backend.training.prompts import (
    embed_with_embeddings,
    encode_rows,
    fingerprint,
    move_tokens,
    token_row,
    token_table,
)


def word(bundle: ModelBundle, text: str) -> Embedding:
    """The look that is exactly this word's vector."""
    (number,) = bundle.tokenizer(text, add_special_tokens=False).input_ids
    return Embedding(
        token_table(bundle)[number].detach().float().numpy().copy(), fingerprint(bundle)
    )


def position(bundle: ModelBundle, text: str, part: str) -> int:
    start = text.index(part)
    return next(
        span.position for span in bundle.card.token_spans(text) if span.start <= start < span.end
    )


@pytest.mark.parametrize("bundle", ["tiny-xl"], indirect=True)
def test_two_encoders_have_no_table_to_learn_in(bundle: ModelBundle) -> None:
    with pytest.raises(RequestError, match="two text encoders"):
        token_table(bundle)


ONE_ENCODER = ["tiny-1", "tiny-2", pytest.param("pocket", marks=pytest.mark.slow)]


@pytest.mark.parametrize("bundle", ONE_ENCODER, indirect=True)
def test_a_look_with_a_word_s_vector_reads_like_the_word(bundle: ModelBundle) -> None:
    text = "a cat and a house"
    places = [position(bundle, text, "cat"), position(bundle, text, "house")]
    read = embed_with_embeddings(
        bundle, text, [(places[0], word(bundle, "red")), (places[1], word(bundle, "blue"))]
    )
    assert torch.equal(read, embed(bundle, "a red cat and a blue house"))


def test_tokens_move_with_their_words(tiny1: ModelBundle) -> None:
    short, long = "a cat and a house", "a red cat and a blue house"
    before = [position(tiny1, short, "cat"), position(tiny1, short, "house")]
    cat, house = before
    assert move_tokens([cat], before, cat) == (
        position(tiny1, long, "red"),
        position(tiny1, long, "cat"),
    )
    assert move_tokens([house], before, house) == (
        position(tiny1, long, "blue"),
        position(tiny1, long, "house"),
    )
    assert move_tokens([cat, house], []) == (cat, house)
    assert move_tokens([house], [cat]) == (house + 1,)


def test_a_full_row_keeps_its_end(tiny1: ModelBundle) -> None:
    row = token_row(tiny1, "red " * 100, [1])
    assert row.ids.shape == (1, tiny1.card.text_length)
    assert int(row.ids[0, -1]) == tiny1.tokenizer.eos_token_id


def test_a_look_beyond_the_row_has_no_place(tiny1: ModelBundle) -> None:
    assert token_row(tiny1, "red", [tiny1.card.text_length]).places == ()
    far = embed_with_embeddings(tiny1, "red", [(tiny1.card.text_length, word(tiny1, "blue"))])
    assert torch.equal(far, embed(tiny1, "red"))


def test_the_encoder_stays_as_it_was(tiny1: ModelBundle) -> None:
    before = token_table(tiny1).clone()
    vectors = torch.randn(1, before.shape[1], requires_grad=True)
    encode_rows(tiny1, [token_row(tiny1, "red cat", [2])], vectors).sum().backward()
    assert torch.equal(token_table(tiny1), before)
    assert token_table(tiny1).grad is None
    assert not tiny1.text_encoder.get_input_embeddings()._forward_hooks


def test_a_row_s_output_depends_on_its_own_look_alone(tiny1: ModelBundle) -> None:
    vectors = torch.randn(2, token_table(tiny1).shape[1], requires_grad=True)
    rows = [token_row(tiny1, "red cat", [1]), token_row(tiny1, "blue house", [2])]
    encode_rows(tiny1, rows, vectors)[1].square().sum().backward()
    assert vectors.grad is not None
    assert not vectors.grad[0].any()
    assert vectors.grad[1].any()


def test_a_look_of_another_model_is_refused(tiny1: ModelBundle, tiny2: ModelBundle) -> None:
    assert fingerprint(tiny1) != fingerprint(tiny2)
    other = Embedding(np.zeros(32, np.float32), fingerprint(tiny2))
    with pytest.raises(RequestError, match="another model"):
        embed_with_embeddings(tiny1, "red cat", [(1, other)])
