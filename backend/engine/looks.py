"""Learned looks in a prompt: vectors that stand in the token row where no word does.

A hook on the embedding's output puts them there; the shared text encoder and its tokenizer stay as
they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.scene.look import Look


@dataclass(frozen=True)
class Row:
    """Token ids and attention mask (1, tokens) of one text, and the positions at which looks
    stand.
    """

    ids: Tensor = field(repr=False)
    mask: Tensor = field(repr=False)
    places: tuple[int, ...] = ()


def token_row(bundle: ModelBundle, text: str, before: Sequence[int] = ()) -> Row:
    """The row of a text with one place for a look before each of these token positions (ascending,
    none twice).

    What no longer fits is cut, as always; a look beyond the end has no place.
    """
    length = bundle.card.text_length
    read = bundle.tokenizer(
        text, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    ids, mask = read.input_ids[0].tolist(), read.attention_mask[0].tolist()
    places = tuple(position + count for count, position in enumerate(before))
    for place in places:
        ids.insert(place, ids[0])  # any id will do: its embedding is replaced
        mask.insert(place, 1)
    end = bundle.tokenizer.eos_token_id
    if end not in ids[1:length]:
        ids[length - 1] = end
    inside = tuple(place for place in places if place < length - 1)
    return Row(torch.tensor([ids[:length]]), torch.tensor([mask[:length]]), inside)


def moved_tokens(
    tokens: Sequence[int], before: Sequence[int], own: int | None = None
) -> tuple[int, ...]:
    """Token positions after looks were put ``before`` these; with ``own``, one of them, that look
    belongs to them.
    """
    moved = [token + sum(place <= token for place in before) for token in tokens]
    looks = [] if own is None else [own + sum(place < own for place in before)]
    return tuple(sorted(moved + looks))


def encode_rows(bundle: ModelBundle, rows: Sequence[Row], vectors: Tensor) -> Tensor:
    """(rows, tokens, width) with ``vectors`` (n, d) at the rows' places, in order; gradients reach
    the vectors.
    """
    standing = [(number, place) for number, row in enumerate(rows) for place in row.places]
    numbers, positions = (
        torch.tensor(standing, dtype=torch.int64, device=bundle.device).reshape(-1, 2).unbind(1)
    )
    ids = torch.cat([row.ids for row in rows]).to(bundle.device)
    masked = getattr(bundle.text_encoder.config, "use_attention_mask", False)
    mask = torch.cat([row.mask for row in rows]).to(bundle.device) if masked else None
    with _replaced(bundle, numbers, positions, vectors):
        states: Tensor = bundle.text_encoder(ids, attention_mask=mask)[0]
    return states.to(bundle.unet.dtype)


@contextmanager
def _replaced(
    bundle: ModelBundle, numbers: Tensor, positions: Tensor, vectors: Tensor
) -> Iterator[None]:
    def replace(_: object, __: object, looked_up: Tensor) -> Tensor:
        return looked_up.index_put((numbers, positions), vectors.to(looked_up))

    hook = bundle.text_encoder.get_input_embeddings().register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()


@torch.no_grad()
def embed_with_looks(bundle: ModelBundle, text: str, looks: Sequence[tuple[int, Look]]) -> Tensor:
    """(1, tokens, width) of a text in which each look stands before its token position; looks in
    ascending order.

    A RequestError when a look was learned with another model.
    """
    for _, look in looks:
        if look.fingerprint != fingerprint(bundle):
            raise RequestError(
                "A layer's look was learned with another model.",
                limit=f"It does not fit {bundle.card.title}.",
                remedy="Learn it again with this model, or remove it from the layer.",
            )
    row = token_row(bundle, text, [position for position, _ in looks])
    kept = [torch.from_numpy(look.vector) for _, look in looks][: len(row.places)]
    if not kept:
        return encode_rows(
            bundle, [row], torch.zeros(0, token_table(bundle).shape[1], device=bundle.device)
        )
    return encode_rows(bundle, [row], torch.stack(kept).to(bundle.device))


def token_table(bundle: ModelBundle) -> Tensor:
    """The text encoder's table of token vectors (tokens, d); a RequestError where there are two
    encoders.
    """
    if bundle.second_text is not None:
        raise RequestError(
            f"{bundle.card.title} reads words with two text encoders.",
            limit=(
                "Looks and subjects are learned with one: Stable Diffusion 1.x and 2.x, "
                "and the pocket family."
            ),
            remedy="Choose such a model, or remove the look or the subject from the layer.",
        )
    table: Tensor = bundle.text_encoder.get_input_embeddings().weight
    return table


def fingerprint(bundle: ModelBundle) -> bytes:
    """The sha256 of the token table in half precision: looks are vectors among its rows."""
    kept = bundle.kept.get("fingerprint", lambda: _fingerprint(bundle))
    return bytes(kept.tolist())


def _fingerprint(bundle: ModelBundle) -> Tensor:
    half = token_table(bundle).detach().half().cpu().contiguous()
    return torch.tensor(list(hashlib.sha256(half.numpy().tobytes()).digest()), dtype=torch.uint8)
