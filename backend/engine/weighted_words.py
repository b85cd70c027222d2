"""States of weighted prompts: rows of tokens with embeddings among them, each token's state moved
away from that of an empty text by its weight, and all rows side by side.

z_w = z_0 + w · (z - z_0), with z_0 the states of an empty row (decision 105).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import RequestError
from backend.models.bundle import ModelBundle, WeightedWords
from backend.plan.card import TokenSpan
from backend.plan.weighted_prompt import PromptLayout, WeightedCard, lay_out

Inserted = Sequence[tuple[int, Tensor]]
"""Vectors (width,) that stand before columns of a text, in ascending order."""


@dataclass(frozen=True, eq=False)
class EncoderRows:
    """What one text encoder reads of a text.

    Attributes:
        ids: (rows, tokens).
        mask: 1 up to the end token, (rows, tokens).
        weights: of each token, 1 for those that frame a row, (rows, tokens).
        places: row and column of each vector, (n, 2).
        vectors: (n, width).
    """

    ids: Tensor = field(repr=False)
    mask: Tensor = field(repr=False)
    weights: Tensor = field(repr=False)
    places: Tensor = field(repr=False)
    vectors: Tensor = field(repr=False)


def read_plan_words(
    bundle: ModelBundle,
    texts: Sequence[str],
    vectors: dict[str, tuple[Tensor, ...]],
    key: tuple[object, ...] = (),
    clip_skip: int = 1,
) -> WeightedWords:
    """How the texts of a run are read: in as many rows as the longest needs.

    Args:
        bundle: the model.
        texts: both prompts.
        vectors: of the embeddings that they name, by name in small letters.
        key: names the embeddings' content.
        clip_skip: 1 takes the last layer of the text encoders, 2 the one before it.
    """
    card = WeightedCard(bundle.card, {name: len(one[0]) for name, one in vectors.items()})
    rows = max(card.lay_out(text).rows for text in texts)
    return WeightedWords(rows, vectors, key, clip_skip)


@torch.no_grad()
def encode_weighted(bundle: ModelBundle, text: str, inserted: Inserted = ()) -> Tensor:
    """The states of a text.

    Args:
        bundle: the model; its ``weighted`` says how texts are read.
        text: what is beyond the rows is cut off.
        inserted: learned looks, which stand in the first text encoder.

    Returns:
        (1, rows · tokens, width), with one row more for SDXL, the pooled vector of the first row.
    """
    assert bundle.weighted is not None
    skip = bundle.weighted.clip_skip
    rows = _build_rows(bundle, bundle.tokenizer, 0, text, inserted)
    if bundle.second_text is None:
        words = _weigh(*_encode_plain(bundle, bundle.text_encoder, rows, skip), rows.weights)
        return words.flatten(0, 1)[None].to(bundle.unet.dtype)
    seconds = _build_rows(bundle, bundle.second_text.tokenizer, 1, text, ())
    first, empty, _ = _encode_hidden(bundle, bundle.text_encoder, rows, skip)
    other, nothing, pooled = _encode_hidden(bundle, bundle.second_text.encoder, seconds, skip)
    sides = (_weigh(first, empty, rows.weights), _weigh(other, nothing, seconds.weights))
    words = torch.cat(sides, dim=-1).flatten(0, 1)[None]
    assert pooled is not None
    last = functional.pad(pooled[:1, None], (0, words.shape[-1] - pooled.shape[-1]))
    return torch.cat([words, last.to(words)], dim=1).to(bundle.unet.dtype)


@contextmanager
def replace_embeddings(encoder: nn.Module, places: Tensor, vectors: Tensor) -> Iterator[None]:
    """A block in which vectors stand in the rows that a text encoder reads.

    Args:
        encoder: with a table of tokens; nothing of it is changed.
        places: row and column of each vector, (n, 2).
        vectors: (n, width).
    """
    numbers, positions = places.unbind(1)

    def put(_: object, __: object, looked_up: Tensor) -> Tensor:
        return looked_up.index_put((numbers, positions), vectors.to(looked_up))

    get_table: Any = encoder.get_input_embeddings
    hook = get_table().register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()


def _build_rows(
    bundle: ModelBundle, tokenizer: Any, encoder: int, text: str, inserted: Inserted
) -> EncoderRows:
    """The rows of one encoder, the number of which all texts of the run share."""
    known, length = bundle.weighted, bundle.card.text_length
    assert known is not None
    counts = {name: len(one[encoder]) for name, one in known.vectors.items()}
    layout = lay_out(text, lambda piece: _spans(tokenizer, piece), length, counts)
    tokens = [one for one in layout.tokens if one.position < known.rows * length]
    row = [tokenizer.bos_token_id] + [tokenizer.pad_token_id] * (length - 1)
    ids = torch.tensor([row] * known.rows)
    weights = torch.ones(known.rows, length)
    ends = [1] * known.rows
    read = _read_ids(tokenizer, layout)
    placed: dict[tuple[int, int], Tensor] = {}
    for token in tokens:
        number, column = divmod(token.position, length)
        piece = layout.pieces[token.piece]
        weights[number, column] = token.weight
        ends[number] = column + 1
        if piece.embedding:
            placed[number, column] = known.vectors[piece.embedding][encoder][token.number]
        else:
            ids[number, column] = read[token.piece][token.number]
    for position, vector in reversed(inserted):
        number, column = divmod(position, length)
        _insert(ids[number], weights[number], column)
        placed = _move(placed, number, column, length)
        placed[number, column] = vector
        ends[number] = min(ends[number] + 1, length - 1)
    mask = torch.zeros_like(ids)
    for number, end in enumerate(ends):
        ids[number, end] = tokenizer.eos_token_id
        weights[number, end] = 1.0
        mask[number, : end + 1] = 1
    width = len(next(iter(placed.values()))) if placed else 1
    vectors = torch.stack(list(placed.values())) if placed else torch.zeros(0, width)
    places = torch.tensor(list(placed), dtype=torch.int64).reshape(-1, 2)
    where = bundle.device
    return EncoderRows(
        ids.to(where), mask.to(where), weights.to(where), places.to(where), vectors.to(where)
    )


def _insert(ids: Tensor, weights: Tensor, column: int) -> None:
    """Make room in a row; its last token before the end falls out where it is full."""
    ids[column + 1 :] = ids[column:-1].clone()
    weights[column + 1 :] = weights[column:-1].clone()
    weights[column] = 1.0


def _move(
    placed: dict[tuple[int, int], Tensor], row: int, column: int, length: int
) -> dict[tuple[int, int], Tensor]:
    """The vectors' places after one more was put into a row."""
    moved = {
        (number, at + (number == row and at >= column)): vector
        for (number, at), vector in placed.items()
    }
    return {place: vector for place, vector in moved.items() if place[1] < length - 1}


def _spans(tokenizer: Any, text: str) -> list[TokenSpan]:
    offsets = _tokenise(tokenizer, text)["offset_mapping"]
    return [TokenSpan(start, end, number) for number, (start, end) in enumerate(offsets, start=1)]


def _read_ids(tokenizer: Any, layout: PromptLayout) -> dict[int, list[int]]:
    """The tokens of every piece that is text."""
    return {
        number: _tokenise(tokenizer, piece.text)["input_ids"]
        for number, piece in enumerate(layout.pieces)
        if not piece.embedding and not piece.is_break
    }


def _tokenise(tokenizer: Any, text: str) -> Any:
    return tokenizer(
        text,
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=False,
        verbose=False,
    )


def _with_empty_row(tokenizer: Any, rows: EncoderRows) -> tuple[Tensor, Tensor]:
    """The rows and, where any weight is not 1, an empty one after them."""
    if bool((rows.weights == 1.0).all()):
        return rows.ids, rows.mask
    empty = torch.full_like(rows.ids[:1], tokenizer.pad_token_id)
    empty[0, 0], empty[0, 1] = tokenizer.bos_token_id, tokenizer.eos_token_id
    mask = torch.zeros_like(rows.mask[:1])
    mask[0, :2] = 1
    return torch.cat([rows.ids, empty]), torch.cat([rows.mask, mask])


def _encode_plain(
    bundle: ModelBundle, encoder: nn.Module, rows: EncoderRows, skip: int
) -> tuple[Tensor, Tensor]:
    """The last states of 1.x and 2.x, and those of the empty row (of the first, where there is
    none).
    """
    ids, mask = _with_empty_row(bundle.tokenizer, rows)
    config: Any = encoder.config
    masked = mask if getattr(config, "use_attention_mask", False) else None
    with replace_embeddings(encoder, rows.places, rows.vectors):
        seen = encoder(ids, attention_mask=masked, output_hidden_states=skip > 1)
    states: Tensor = seen[0]
    if skip > 1:
        _check_skip(len(seen.hidden_states) - 1, skip)
        inner: Any = getattr(encoder, "text_model", encoder)
        states = inner.final_layer_norm(seen.hidden_states[-skip])
    count = len(rows.ids)
    return states[:count], states[-1]


def _encode_hidden(
    bundle: ModelBundle, encoder: nn.Module, rows: EncoderRows, skip: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """XL's states before the last layer, those of the empty row, and the pooled vectors."""
    assert bundle.second_text is not None
    is_first = encoder is bundle.text_encoder
    tokenizer = bundle.tokenizer if is_first else bundle.second_text.tokenizer
    ids, _ = _with_empty_row(tokenizer, rows)
    with replace_embeddings(encoder, rows.places, rows.vectors):
        seen = encoder(ids, output_hidden_states=True)
    _check_skip(len(seen.hidden_states) - 2, skip)
    states: Tensor = seen.hidden_states[-1 - skip]
    return states[: len(rows.ids)], states[-1], getattr(seen, "text_embeds", None)


def _check_skip(layers: int, skip: int) -> None:
    if skip > layers:
        raise RequestError(
            f"Clip skip is {skip}.",
            limit=f"This model's text encoder has {layers} layers to choose from.",
            remedy="Lower it.",
        )


def _weigh(states: Tensor, empty: Tensor, weights: Tensor) -> Tensor:
    """(rows, tokens, width) moved away from the empty row by the tokens' weights; what has the
    weight 1 stays bit for bit.
    """
    moved = torch.lerp(empty.expand_as(states), states, weights[..., None].to(states))
    return torch.where((weights == 1.0)[..., None], states, moved)
