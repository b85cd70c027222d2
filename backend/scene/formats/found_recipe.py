"""The recipe that a picture of another program carries in its texts: AUTOMATIC1111 and Forge,
ComfyUI, InvokeAI, Fooocus.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from backend.scene.formats.png_blocks import SIGNATURE
from backend.scene.formats.png_texts import read_texts
from backend.scene.records import Record, Seed, Words

_NEGATIVE = "Negative prompt:"
_PAIR = re.compile(r'\s*([\w ]+):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_MOST_NODES = 100


class FoundRecipe(Record):
    """What a picture was made from, as far as it says; numbers outside Lamina's ranges are None."""

    program: str
    prompt: Words = ""
    negative: Words = ""
    seed: Seed | None = None
    steps: Annotated[int, Field(ge=1, le=200)] | None = None
    guidance_scale: Annotated[float, Field(ge=1.0, le=30.0)] | None = None


def read_recipe(content: bytes) -> FoundRecipe | None:
    """The recipe in a PNG's texts, or None where there is none that is known."""
    if not content.startswith(SIGNATURE):
        return None
    texts = read_texts(content)
    for name, read in _READERS:
        if name in texts:
            found = read(texts[name])
            if found is not None:
                return found
    return None


def _read_parameters(text: str) -> FoundRecipe | None:
    """The text of AUTOMATIC1111, Forge and Krita's plug-in, or the record of Fooocus."""
    record = _read_record(text)
    if record is not None:
        return _build(
            "Fooocus",
            prompt=record.get("prompt"),
            negative=record.get("negative_prompt"),
            seed=record.get("seed"),
            steps=record.get("steps"),
            guidance_scale=record.get("guidance_scale"),
        )
    lines = text.strip().split("\n")
    last = lines.pop() if "Steps:" in lines[-1] else ""
    pairs = {name.strip(): value.strip().strip('"') for name, value in _PAIR.findall(last)}
    if "Steps" not in pairs:
        return None
    prompt, _, negative = "\n".join(lines).partition(_NEGATIVE)
    return _build(
        "AUTOMATIC1111 or Forge",
        prompt=prompt,
        negative=negative,
        seed=pairs.get("Seed"),
        steps=pairs["Steps"],
        guidance_scale=pairs.get("CFG scale"),
    )


def _read_invoke(text: str) -> FoundRecipe | None:
    record = _read_record(text)
    if record is None:
        return None
    return _build(
        "InvokeAI",
        prompt=record.get("positive_prompt"),
        negative=record.get("negative_prompt"),
        seed=record.get("seed"),
        steps=record.get("steps"),
        guidance_scale=record.get("cfg_scale"),
    )


def _read_graph(text: str) -> FoundRecipe | None:
    """ComfyUI's graph: its first sampler, and the words that lead to it."""
    graph = _read_record(text)
    if graph is None:
        return None
    for node in graph.values():
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        if isinstance(inputs, Mapping) and "steps" in inputs and "positive" in inputs:
            return _build(
                "ComfyUI",
                prompt=_follow(graph, inputs["positive"], "text"),
                negative=_follow(graph, inputs.get("negative"), "text"),
                seed=_follow(graph, inputs.get("seed", inputs.get("noise_seed")), "seed"),
                steps=_follow(graph, inputs["steps"], "value"),
                guidance_scale=_follow(graph, inputs.get("cfg"), "value"),
            )
    return None


def _follow(graph: Mapping[str, Any], value: Any, name: str) -> Any:
    """A value of a graph, or what the nearest node that it leads to holds under ``name``."""
    waiting, seen = [value], set[str]()
    while waiting and len(seen) < _MOST_NODES:
        link = waiting.pop(0)
        if not isinstance(link, list):
            return link
        key = str(link[0]) if link else ""
        node = graph.get(key)
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        if key in seen or not isinstance(inputs, Mapping):
            continue
        seen.add(key)
        if name in inputs:
            waiting.insert(0, inputs[name])
        else:
            waiting.extend(one for one in inputs.values() if isinstance(one, list))
    return None


_READERS = (
    ("parameters", _read_parameters),
    ("invokeai_metadata", _read_invoke),
    ("prompt", _read_graph),
)


def _read_record(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _build(program: str, *, prompt: object, negative: object, **numbers: object) -> FoundRecipe:
    """The recipe; each value that is none, or lies outside of Lamina's ranges, is left out."""
    recipe = FoundRecipe(program=program, prompt=_trim(prompt), negative=_trim(negative))
    for name, value in numbers.items():
        try:
            number = float(str(value))
            fitting = number if name == "guidance_scale" else int(str(value))
            recipe = FoundRecipe.model_validate({**recipe.model_dump(), name: fitting})
        except (ValueError, ValidationError, OverflowError):
            continue
    return recipe


def _trim(value: object) -> str:
    """The first 4000 characters of a text that is whole Unicode; "" for anything else."""
    text = value.strip()[:4000] if isinstance(value, str) else ""
    return text.encode("utf-8", "ignore").decode("utf-8")
