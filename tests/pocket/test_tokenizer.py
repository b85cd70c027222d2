"""The tokenizer: the world's words are whole, others fall apart, spans can be found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from backend.pocket.networks.configs import TEXT_ENCODER
from backend.pocket.networks.tokenizer import build_tokenizer, load_tokenizer, world_words
from backend.pocket.train.captions import OPEN, SHARED, CaptionMaker
from backend.pocket.train.scenes import SceneWords
from backend.pocket.world.words import build_caption, build_phrase


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return build_tokenizer()


@pytest.mark.parametrize("word", world_words())
def test_a_word_of_the_world_is_one_token(tokenizer: CLIPTokenizer, word: str) -> None:
    assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1


def test_other_words_fall_into_pieces_and_come_back(tokenizer: CLIPTokenizer) -> None:
    ids = tokenizer("a zebra", add_special_tokens=False).input_ids
    assert len(ids) > 3
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids).split() == ["a", "zebra"]


def test_any_bytes_have_tokens(tokenizer: CLIPTokenizer) -> None:
    assert tokenizer.unk_token_id not in tokenizer("Füße 猫 ★", add_special_tokens=False).input_ids


def test_case_does_not_matter(tokenizer: CLIPTokenizer) -> None:
    assert tokenizer("A Red CAT").input_ids == tokenizer("a red cat").input_ids


def test_offsets_find_a_phrase(tokenizer: CLIPTokenizer) -> None:
    text = "a blue car and an orange dotted cat in the snow"
    phrase = "orange dotted cat"
    start = text.index(phrase)
    found = tokenizer(text, return_offsets_mapping=True)
    inside = [
        k
        for k, (a, b) in enumerate(found.offset_mapping)
        if b > a and a >= start and b <= start + len(phrase)
    ]
    assert tokenizer.decode([found.input_ids[k] for k in inside]).split() == phrase.split()


def test_prompts_are_padded_and_cut_to_the_text_length(tokenizer: CLIPTokenizer) -> None:
    for text in ("a cat", "a red dotted cat " * 40):
        ids = tokenizer(text, padding="max_length", truncation=True).input_ids
        assert len(ids) == tokenizer.model_max_length == TEXT_ENCODER["max_position_embeddings"]
        assert ids[-1] == tokenizer.eos_token_id


def test_a_saved_tokenizer_is_the_same(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    text = "an orange striped fish in the sea, with a hat"
    assert load_tokenizer(tmp_path)(text).input_ids == tokenizer(text).input_ids


def test_training_captions_are_the_tokenizers_own(tokenizer: CLIPTokenizer) -> None:
    looks = (("cat", "orange", "dotted"), ("car", "blue", "plain"), ("mug", "white", "checked"))
    made = CaptionMaker(tokenizer).build([SceneWords("beach", looks)], None)
    text = build_caption([build_phrase(*look) for look in looks], "beach")
    assert made.ids[0].tolist() == tokenizer(text, padding="max_length").input_ids
    owners = made.owners[0].tolist()
    assert owners[0] == OPEN
    assert owners[1] == SHARED
    words = tokenizer.convert_ids_to_tokens(made.ids[0].tolist())
    assert [
        w.removesuffix("</w>") for w, owner in zip(words, owners, strict=True) if owner == 1
    ] == [
        "blue",
        "car",
    ]
