"""A CLIP tokenizer for a small world: each of its words is one token, all others fall into pieces
and letters.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from transformers import CLIPTokenizer

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.networks.configs import TEXT_LENGTH
from backend.pocket.world.words import BACKGROUNDS, SMALL_WORDS, TEXTURES

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
Merge = tuple[str, str]


def world_words() -> tuple[str, ...]:
    """All words that are one token, in a fixed order, without repeats."""
    return tuple(dict.fromkeys((*SMALL_WORDS, *COLOURS, *TEXTURES, *CLASSES, *BACKGROUNDS)))


def byte_symbols() -> list[str]:
    """The 256 printable stand-ins of byte-level byte-pair encoding, in the order of the bytes
    0..255.

    Printable Latin-1 characters stand for themselves; the others take the characters from U+0100
    on.
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)}
    symbols, spare = [], 0x100
    for byte in range(256):
        if byte in printable:
            symbols.append(chr(byte))
        else:
            symbols.append(chr(spare))
            spare += 1
    return symbols


def split_word(word: str, merges: list[Merge]) -> list[str]:
    """Byte-pair encoding of one ASCII word with the merges in order of rank."""
    pieces = [*word[:-1], word[-1] + WORD_END]
    rank = {merge: k for k, merge in enumerate(merges)}
    while len(pieces) > 1:
        best, place = min(
            (rank.get(pair, len(rank)), k) for k, pair in enumerate(itertools.pairwise(pieces))
        )
        if best == len(rank):
            break
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    return pieces


def build_merges(words: Iterable[str]) -> list[Merge]:
    """Merges that make every word one token.

    A word is split by the merges so far and the rest is joined from the left. A later merge ranks
    below all that an earlier word needs, so it cannot break that word again.
    """
    merges: list[Merge] = []
    for word in words:
        pieces = split_word(word, merges)
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = split_word(word, merges)
    return merges


def build_tokenizer() -> CLIPTokenizer:
    """The pocket family's tokenizer; padding is the end token, as in Stable Diffusion."""
    merges = build_merges(world_words())
    letters = byte_symbols()
    names = [
        *letters,
        *(letter + WORD_END for letter in letters),
        *(a + b for a, b in merges),
        START,
        END,
    ]
    vocabulary = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
        model_max_length=TEXT_LENGTH,
    )


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a saved family (its ``tokenizer`` folder)."""
    return CLIPTokenizer.from_pretrained(str(folder))
