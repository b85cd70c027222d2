"""Prompts with learned embeddings: vectors that stand in the token row where no word does.

A hook on the embedding's output puts them there; the shared text encoder and its tokenizer stay as
they are. A subject's embeddings stand where ``<*>`` or its class word does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.conditioning import fit_tokens
from backend.engine.weighted_words import encode_weighted, replace_embeddings
from backend.errors import RequestError
from backend.models.adapter import Adapter
from backend.models.bundle import ModelBundle
from backend.plan.plan import PlannedLayer
from backend.scene.blobs import Contents
from backend.scene.formats.embedding import Embedding, embedding_from_bytes

MARK = "<*>"
VOWELS = tuple("aeiou")


@dataclass(frozen=True)
class TokenRow:
    """Token ids and attention mask (1, tokens) of one text, and the positions at which
    embeddings stand.
    """

    ids: Tensor = field(repr=False)
    mask: Tensor = field(repr=False)
    places: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class SubjectPrompt:
    """A prompt as a token row, and the positions in it that speak of the subject."""

    row: TokenRow = field(repr=False)
    tokens: tuple[int, ...]


def read_embeddings(
    bundle: ModelBundle, layers: Sequence[PlannedLayer], contents: Contents
) -> dict[int, Embedding]:
    """TI: learned embeddings of layers whose words stand in the prompt, by the words' first token;
    where two layers share words, the first one's.
    """
    found: dict[int, Embedding] = {}
    for layer in layers:
        tokens = fit_tokens(bundle, layer.tokens)
        if layer.embedding is not None and tokens:
            found.setdefault(tokens[0], embedding_from_bytes(contents.blob(layer.embedding)))
    return found


def token_row(bundle: ModelBundle, text: str, before: Sequence[int] = ()) -> TokenRow:
    """The row of a text with one place for an embedding before each of these token positions.

    Args:
        bundle: the tokenizer and the length of its row.
        text: what does not fit into the row is cut, as always; an embedding beyond the end has no
        place.
        before: ascending positions in the row without embeddings, 0 being the beginning token.
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
    return TokenRow(torch.tensor([ids[:length]]), torch.tensor([mask[:length]]), inside)


def move_tokens(
    tokens: Sequence[int], before: Sequence[int], own: int | None = None, length: int = 2**31
) -> tuple[int, ...]:
    """Token positions after embeddings were put ``before`` these; the one before ``own`` belongs
    to the tokens. Each row of ``length`` is moved by its own embeddings, and what falls out of one
    is gone.
    """

    def ahead(token: int, place: int) -> bool:
        return place // length == token // length and place <= token

    moved = [token + sum(ahead(token, place) for place in before) for token in tokens]
    if own is not None:
        moved.append(own + sum(ahead(own, place) and place < own for place in before))
    pairs = zip(moved, (*tokens, own or 0), strict=False)
    return tuple(sorted(at for at, token in pairs if at // length == token // length))


def encode_rows(bundle: ModelBundle, rows: Sequence[TokenRow], vectors: Tensor) -> Tensor:
    """(rows, tokens, width) with ``vectors`` (n, d) at the rows' places, in order; gradients
    reach the vectors.
    """
    standing = [(number, place) for number, row in enumerate(rows) for place in row.places]
    places = torch.tensor(standing, dtype=torch.int64, device=bundle.device).reshape(-1, 2)
    ids = torch.cat([row.ids for row in rows]).to(bundle.device)
    masked = getattr(bundle.text_encoder.config, "use_attention_mask", False)
    mask = torch.cat([row.mask for row in rows]).to(bundle.device) if masked else None
    with replace_embeddings(bundle.text_encoder, places, vectors):
        states: Tensor = bundle.text_encoder(ids, attention_mask=mask)[0]
    return states.to(bundle.unet.dtype)


@torch.no_grad()
def embed_with_embeddings(
    bundle: ModelBundle, text: str, embeddings: Sequence[tuple[int, Embedding]]
) -> Tensor:
    """(1, tokens, width) of a text in which learned embeddings stand before token positions, in
    ascending order.

    Raises:
        RequestError: an embedding was learned with another model.
    """
    for _, embedding in embeddings:
        if embedding.fingerprint != fingerprint(bundle):
            raise RequestError(
                "A layer's look was learned with another model.",
                limit=f"It does not fit {bundle.card.title}.",
                remedy="Learn it again with this model, or remove it from the layer.",
            )
    if bundle.weighted is not None:
        looks = [(place, torch.from_numpy(one.vector)) for place, one in embeddings]
        return encode_weighted(bundle, text, looks)
    row = token_row(bundle, text, [position for position, _ in embeddings])
    kept = [torch.from_numpy(embedding.vector) for _, embedding in embeddings][: len(row.places)]
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
    """The sha256 of the token table in half precision: embeddings are vectors among its rows."""
    return bundle.kept.get("fingerprint", lambda: _fingerprint(bundle))


def _fingerprint(bundle: ModelBundle) -> bytes:
    half = token_table(bundle).detach().half().cpu().contiguous()
    return hashlib.sha256(half.numpy().tobytes()).digest()


def mark_subject(prompt: str, class_word: str) -> str:
    """The prompt with ``<*>``, where need be in place of the first class word; a RequestError
    without both.
    """
    if MARK in prompt:
        return prompt
    found, count = re.subn(
        rf"\b{re.escape(class_word)}\b", MARK, prompt, count=1, flags=re.IGNORECASE
    )
    if not count:
        raise RequestError(
            f"The prompt does not say where the subject is: {prompt[:60]!r}.",
            limit=f"It needs {MARK} or the word {class_word!r}.",
            remedy=f"Write, say, 'a {class_word} on a beach'.",
        )
    return found


def plain_prompt(prompt: str, class_word: str) -> str:
    """y_p⁻ of Layout-and-Retouch: what a model that never saw the subject is told; "a <*>"
    becomes "an orange mug".
    """
    marked = mark_subject(prompt, class_word)
    if class_word[:1].lower() in VOWELS:
        marked = re.sub(rf"\b([Aa]) {re.escape(MARK)}", rf"\1n {MARK}", marked)
    return marked.replace(MARK, class_word)


def read_subject_prompt(bundle: ModelBundle, prompt: str, adapter: Adapter) -> SubjectPrompt:
    """The row of a prompt with places for the subject's vectors, before the class word or instead
    of it.

    Raises:
        RequestError: the prompt does not name the subject, or names it beyond the end of the row.
    """
    before, _, after = mark_subject(prompt, adapter.class_word).partition(MARK)
    after = after.replace(MARK, adapter.class_word)
    word = "" if adapter.replaces_class else adapter.class_word
    text = (
        before + word + after
        if word
        else " ".join(part for part in (before.strip(), after.strip()) if part)
    )
    begin = len(before) if word else len(before.strip())
    spans = bundle.card.token_spans(text)
    place = next((span.position for span in spans if span.start >= begin), len(spans) + 1)
    count = len(adapter.vectors)
    named = [span.position for span in spans if begin <= span.start < begin + len(word)]
    row = token_row(bundle, text, [place] * count)
    length = bundle.card.text_length
    tokens = (
        *row.places,
        *(position + count for position in named if position + count < length - 1),
    )
    if not row.places:
        raise RequestError(
            "The subject stands beyond the end of what the model reads.",
            limit=f"{bundle.card.title} reads {length - 2} tokens.",
            remedy="Shorten the prompt, or name the subject earlier.",
        )
    return SubjectPrompt(row, tokens)


@torch.no_grad()
def embed_subject(
    bundle: ModelBundle, prompt: str, adapter: Adapter
) -> tuple[Tensor, tuple[int, ...]]:
    """(1, tokens, width) of a prompt that speaks of the subject, and the positions that do."""
    sentence = read_subject_prompt(bundle, prompt, adapter)
    vectors = adapter.vectors[: len(sentence.row.places)].to(bundle.device)
    return encode_rows(bundle, [sentence.row], vectors), sentence.tokens
