"""Recipes in pictures of other programs; what is damaged, endless or no recipe is none."""

from __future__ import annotations

import json
import zlib

import pytest

from backend.scene.formats.found_recipe import FoundRecipe, read_recipe
from tests.scene.drawings import png_chunk, raw_png

A1111 = (
    "a red boat, (calm sea:1.2),\nat dusk\nNegative prompt: blurry, text\n"
    "Steps: 28, Sampler: DPM++ 2M, CFG scale: 6.5, Seed: 123456789, Size: 512x768, "
    'Lora hashes: "a: 1, b: 2", Version: v1.10'
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": ["9", 0],
            "steps": 20,
            "cfg": 8,
            "positive": ["6", 0],
            "negative": ["7", 0],
        },
    },
    "6": {"class_type": "ConditioningCombine", "inputs": {"a": ["8", 0], "b": ["7", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "noise", "clip": ["4", 1]}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "a wooden mill", "clip": ["4", 1]}},
    "9": {"class_type": "Seed", "inputs": {"seed": 77}},
}
INVOKE = {
    "positive_prompt": "a fox",
    "negative_prompt": "",
    "seed": 5,
    "steps": 30,
    "cfg_scale": 7.5,
}
FOOOCUS = {"prompt": "a hat", "negative_prompt": "n", "seed": "9", "steps": 30, "guidance_scale": 4}


def carry(*texts: tuple[bytes, bytes], kind: bytes = b"tEXt") -> bytes:
    head = {b"tEXt": b"", b"zTXt": b"\0", b"iTXt": b"\1\0\0\0"}[kind]
    chunks = (
        png_chunk(kind, name + b"\0" + head + (body if kind == b"tEXt" else zlib.compress(body)))
        for name, body in texts
    )
    return raw_png((1, 1), 8, 2, [b"\1\2\3"], b"".join(chunks))


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (
            b"parameters",
            A1111,
            ("a red boat, (calm sea:1.2),\nat dusk", "blurry, text", 123456789, 28, 6.5),
        ),
        (b"parameters", "Steps: 4, Seed: 2", ("", "", 2, 4, None)),
        (b"parameters", json.dumps(FOOOCUS), ("a hat", "n", 9, 30, 4.0)),
        (b"invokeai_metadata", json.dumps(INVOKE), ("a fox", "", 5, 30, 7.5)),
        (b"prompt", json.dumps(GRAPH), ("a wooden mill", "noise", 77, 20, 8.0)),
    ],
)
def test_recipes_are_found(kind: bytes, name: bytes, text: str, wanted: tuple[object, ...]) -> None:
    found = read_recipe(carry((b"Software", b"x"), (name, text.encode()), kind=kind))
    assert found is not None
    values = (found.prompt, found.negative, found.seed, found.steps, found.guidance_scale)
    assert values == wanted


def test_numbers_out_of_range_cost_themselves_alone() -> None:
    text = "p\nSteps: 9000, Seed: -1, CFG scale: 0.5"
    found = read_recipe(carry((b"parameters", text.encode())))
    assert found == FoundRecipe(program="AUTOMATIC1111 or Forge", prompt="p")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"parameters", b""),
        (b"parameters", b"just words"),
        (b"parameters", b"[1]"),
        (b"prompt", b"a plain description"),
        (b"prompt", b"{}"),
        (b"prompt", b'{"1": 5, "2": {"inputs": 3}}'),
        (b"invokeai_metadata", b"[" * 100000),
        (b"Comment", A1111.encode()),
    ],
)
def test_other_texts_are_no_recipe(name: bytes, text: bytes) -> None:
    assert read_recipe(carry((name, text))) is None


def test_graphs_without_end_and_endless_texts_end() -> None:
    loop = {
        "3": {"inputs": {"steps": 2, "positive": ["4", 0]}},
        "4": {"inputs": {str(link): ["4", 0] for link in range(50)}},
    }
    found = read_recipe(carry((b"prompt", json.dumps(loop).encode())))
    assert found is not None
    assert found.prompt == ""
    bomb = carry((b"parameters", b"w" * 2**24 + A1111.encode()), kind=b"zTXt")
    assert len(bomb) < 2**16
    assert read_recipe(bomb) is None
    assert read_recipe(b"") is None
    assert read_recipe(carry((b"parameters", A1111.encode()))[:60]) is None
