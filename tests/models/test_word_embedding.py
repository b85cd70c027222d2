"""Embeddings of words from the folders of other programs: found, named, refused in sentences."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from backend.engine.conditioning import embed
from backend.engine.weighted_words import read_plan_words
from backend.errors import ModelError
from backend.models.bundle import ModelBundle
from backend.models.catalog import find_models
from backend.models.load import reference_img2img
from backend.models.word_embedding import (
    MAX_BYTES,
    describe_embedding,
    find_planned_embedding,
    read_embedding,
)
from backend.plan.plan import PlannedEmbedding
from tests.models.embeddings import Form, draw_vectors, write_embedding
from tests.models.fixtures import bundle_of, tiny_folder

LAYOUTS = {
    "ComfyUI/models/embeddings/SD1.5/deep": "ComfyUI",
    "webui/embeddings": "A1111",
    "invoke/models/sd-1/embedding": "InvokeAI",
    "krita/server/ComfyUI/models/embeddings": "Krita AI",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_they_are_found_where_programs_keep_them(
    layout: str, tiny1: ModelBundle, tmp_path: Path
) -> None:
    vectors = draw_vectors(tiny1, 2)
    write_embedding(tmp_path / layout, "scrawl", "a1111", vectors)
    write_embedding(tmp_path / layout / "mark", "learned_embeds", "diffusers", vectors)
    write_embedding(tmp_path / "elsewhere", "stray", "safetensors", vectors)
    write_embedding(tmp_path / "elsewhere", "pickled", "a1111", vectors)
    found = find_models([tmp_path])
    assert {one.name for one in found.embeddings} == {"scrawl", "mark", "stray"}
    assert found.card("pocket").embeddings == found.embeddings
    refused = {one.path.name: one.error.what for one in found.findings}
    assert "is a pickled file of weights" in refused["pickled.pt"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xl", "xl_pt"])
def test_both_parts_of_xl_stand_in_their_encoders(
    form: Form, model_base: Path, tmp_path: Path
) -> None:
    """Against diffusers with each part loaded by hand; it refuses the file as it is."""
    import copy

    bundle = bundle_of(tiny_folder("tiny-xl", model_base))
    assert bundle.second_text is not None
    found = describe_embedding(
        write_embedding(tmp_path / "embeddings", "twin", form, draw_vectors(bundle, 2))
    )
    assert found.widths == bundle.card.words_widths
    first, second = read_embedding(found)
    pipeline = reference_img2img(bundle, "ddim")
    for name in ("tokenizer", "text_encoder", "tokenizer_2", "text_encoder_2"):
        setattr(pipeline, name, copy.deepcopy(getattr(pipeline, name)))
    parts: tuple[Any, ...] = (
        (first, pipeline.tokenizer, pipeline.text_encoder),
        (second, pipeline.tokenizer_2, pipeline.text_encoder_2),
    )
    for vectors, tokenizer, encoder in parts:
        pipeline.load_textual_inversion(
            {"<own>": vectors}, token="<own>", tokenizer=tokenizer, text_encoder=encoder
        )
    known, _, pooled, _ = pipeline.encode_prompt(
        "a <own> cat", do_classifier_free_guidance=True, device="cpu"
    )
    text = "a twin cat"
    words = read_plan_words(bundle, [text], {"twin": (first, second)}, (form,))
    states = embed(replace(bundle, weighted=words), text)
    assert (states[:, :-1] - known).abs().max() <= 1e-6
    assert (states[:, -1, : pooled.shape[-1]] - pooled).abs().max() <= 1e-6


def test_a_renamed_file_is_found_by_its_content(tiny1: ModelBundle, tmp_path: Path) -> None:
    vectors = draw_vectors(tiny1, 1)
    old = describe_embedding(write_embedding(tmp_path / "a", "before", "safetensors", vectors))
    new = describe_embedding(write_embedding(tmp_path / "b", "after", "safetensors", vectors))
    planned = PlannedEmbedding(name="before", digest=old.digest, vectors=1)
    assert find_planned_embedding([new], planned) == new
    gone = planned.model_copy(update={"digest": "1" * 64})
    with pytest.raises(ModelError, match="“before” of this recipe is not here"):
        find_planned_embedding([new], gone)


def test_names_are_alone_among_those_of_a_width(tiny1: ModelBundle, tmp_path: Path) -> None:
    for number, width in enumerate((8, 8, 16)):
        tables = (torch.ones(1, width),)
        write_embedding(tmp_path / str(number) / "embeddings", "Same", "safetensors", tables)
    found = find_models([tmp_path]).embeddings
    assert [(one.name, one.widths) for one in found] == [
        ("Same", (8,)),
        ("Same-2", (8,)),
        ("Same", (16,)),
    ]


class Planted:
    """Runs when it is unpickled by anything that runs pickles."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.trace,))


def header(size: int, text: bytes) -> bytes:
    return struct.pack("<Q", size) + text


def list_broken(trace: Path) -> dict[str, tuple[str, bytes | dict[str, Any], str]]:
    """Name → ending, content, and what the sentence must say."""
    row, table = torch.ones(8), torch.ones(2, 8)
    small = {"string_to_param": {"*": table}}
    return {
        "planted": (".pt", pickle.dumps(Planted(trace)), "holds more than numbers"),
        "planted_inside": (
            *(".pt", {"string_to_param": {"*": table}, "x": Planted(trace)}),
            "holds more than numbers",
        ),
        "empty": (".pt", b"", "cannot be read"),
        "text": (".pt", b"version https://git-lfs.github.com/spec/v1\n", "or is damaged"),
        "html": (".bin", b"<html>404</html>", "or is damaged"),
        "cut": (".pt", b"PK\x03\x04" + b"\x00" * 40, "cannot be read"),
        "list": (".pt", [1, 2], "holds list"),
        "numbers": (".pt", {"a": 1.0}, "holds float"),
        "none": (".pt", {}, "holds nothing"),
        "several": (".pt", {"a": row, "b": row}, "holds a, b"),
        "whole_numbers": (".pt", {"a": torch.ones(2, 8, dtype=torch.int64)}, "holds torch.Size"),
        "cube": (".pt", {"a": torch.ones(2, 2, 8)}, "holds torch.Size"),
        "nothing_in_it": (".pt", {"a": torch.ones(0, 8)}, "holds torch.Size"),
        "nan": (".pt", {"a": row * float("nan")}, "not finite"),
        "inf": (".pt", {**small, "string_to_param": {"*": table / 0}}, "not finite"),
        "many": (".pt", {"a": torch.ones(76, 8)}, "76 vectors"),
        "half_xl": (".pt", {"clip_l": table}, "lacks clip_g"),
        "odd_xl": (".pt", {"clip_l": table, "clip_g": torch.ones(3, 8)}, "2 and 3 vectors"),
        "huge": (".bin", b"\x00" * (MAX_BYTES + 1), "at most 16 MiB"),
        "no_header": (".safetensors", b"\x01\x02", "not a sound safetensors"),
        "long_header": (".safetensors", header(2**40, b"{}"), "not a sound safetensors"),
        "bad_header": (".safetensors", header(9, b"{not json"), "not a sound safetensors"),
        "pointer": (".safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git-lfs"),
        "half": (".safetensors", {"clip_g": table}, "lacks clip_l"),
        "two": (".safetensors", {"a": row, "b": row.clone()}, "holds a, b"),
        "not_finite": (".safetensors", {"emb_params": table / 0}, "not finite"),
    }


def test_broken_ones_are_sentences_and_run_nothing(tmp_path: Path, tiny1: ModelBundle) -> None:
    """26 files; the sound one beside them and the models stay."""
    trace, folder = tmp_path / "trace", tmp_path / "models" / "embeddings"
    broken = list_broken(trace)
    write_embedding(folder, "sound", "a1111", draw_vectors(tiny1, 1))
    for name, (ending, content, _) in broken.items():
        path = folder / f"{name}{ending}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif ending == ".safetensors":
            save_file(content, path)
        else:
            torch.save(content, path)
    found = find_models([tmp_path / "models"])
    assert [one.name for one in found.embeddings] == ["sound"]
    assert [one.id for one in found.cards] == ["pocket"]
    refused = {one.path.stem: one for one in found.findings}
    assert set(refused) == set(broken)
    for name, (_, _, says) in broken.items():
        sentence = refused[name].error.sentence
        assert says in sentence, f"{name}: {sentence}"
        assert "\n" not in sentence
        assert len(sentence) < 400
    assert not trace.exists()
