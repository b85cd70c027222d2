"""Subjects to evaluate personalisation on: held-out toys of the drawn world, or folders of
somebody's pictures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from backend.errors import RequestError
from backend.evaluation.asking import HELD_OUT_WORLD
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.world.words import BACKGROUNDS, TEXTURES, build_phrase, is_held_out
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.formats.picture_file import decode_picture
from backend.scene.imaging.arrays import Picture

NORMAL = ("a <*> on a beach", "a <*> at night", "a <*> in the snow", "a <*> in a room")
CHALLENGING = (
    "a <*> and a blue house on a meadow",
    "a red ball and a <*> in the sea",
    "a green tree, a <*> and a yellow star at night",
)
"""Other places; companions that share the picture, so that the subject is small, displaced or half
hidden.
"""
SIDES = ((0.5, 0.55), (0.42, 0.6), (0.58, 0.5), (0.47, 0.52), (0.53, 0.6), (0.5, 0.48))
"""Where the references show the subject: near the middle, as people photograph things."""

TURN = 5
"""How many classes further another world begins: the first five subjects of two worlds are
different ones.
"""


@dataclass(frozen=True, eq=False)
class SubjectCase:
    """A subject: its references uint8 (h, w, 3), its class word, the prompts with ``<*>`` where it
    stands.

    ``phrase`` names it as exactly as words can; the class word where nobody knows more.
    """

    name: str
    class_word: str
    references: tuple[Picture, ...] = field(repr=False)
    prompts: tuple[str, ...]
    phrase: str


def draw_subjects(
    count: int, prompts: int, side_px: int, world_seed: int
) -> tuple[SubjectCase, ...]:
    """Held-out combinations with a texture, four to six references each, every class once before
    any comes twice.

    ``prompts`` is the number of prompts of either kind. Another world seed begins with other
    classes, so that what is chosen on one world can be checked on subjects of another.
    """
    combinations = [
        (class_, colour, texture)
        for texture in TEXTURES[1:]
        for colour in COLOURS
        for class_ in CLASSES
        if is_held_out(class_, colour, texture)
    ]
    by_class = {
        class_: (class_, colour, texture) for class_, colour, texture in reversed(combinations)
    }
    firsts = list(by_class.values())
    turn = TURN * world_seed % len(firsts)
    firsts = firsts[turn:] + firsts[:turn]
    chosen = [*firsts, *(who for who in combinations if who not in firsts)][:count]
    asked = (*NORMAL[:prompts], *CHALLENGING[:prompts])
    return tuple(
        _draw(number, who, side_px, world_seed, asked) for number, who in enumerate(chosen)
    )


def _draw(
    number: int, who: tuple[str, str, str], side_px: int, world_seed: int, prompts: tuple[str, ...]
) -> SubjectCase:
    first = HELD_OUT_WORLD + 80_000 + world_seed * 1000 + number * 10
    rng = np.random.default_rng(first)
    references = []
    for index, centre in enumerate(SIDES[: 4 + number % 3]):
        placement = ObjectPlacement(
            *who, centre, float(rng.uniform(0.27, 0.36)), float(rng.uniform(-15, 15))
        )
        place = BACKGROUNDS[(number + index) % len(BACKGROUNDS)]
        references.append(draw_layout(place, (placement,), side_px, first + index).picture)
    phrase = build_phrase(*who)
    return SubjectCase(phrase, who[0], tuple(references), prompts, phrase)


def load_subjects(folder: Path, most: int) -> tuple[SubjectCase, ...]:
    """A subject for each folder of pictures with a ``subject.json`` {class_word, prompts}; at most
    ``most`` prompts.
    """
    cases = []
    for place in sorted(path.parent for path in folder.glob("*/subject.json")):
        try:
            record = json.loads((place / "subject.json").read_text(encoding="utf-8"))
            word, prompts = (
                str(record["class_word"]),
                tuple(str(prompt) for prompt in record["prompts"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RequestError(
                f"{place.name}/subject.json cannot be used ({type(error).__name__}).",
                limit="It holds class_word and prompts.",
                remedy="Correct it and try again.",
            ) from error
        files = sorted(
            path
            for path in place.iterdir()
            if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
        )
        pictures = tuple(
            np.ascontiguousarray(decode_picture(path.read_bytes(), path.name).picture[..., :3])
            for path in files
        )
        if not pictures or not prompts:
            raise RequestError(
                f"{place.name} has {len(pictures)} pictures and {len(prompts)} prompts.",
                limit="A subject needs at least one of each.",
                remedy="Add some, or take the folder away.",
            )
        cases.append(SubjectCase(place.name, word, pictures, prompts[:most], word))
    if not cases:
        raise RequestError(
            f"No subject lies in {folder.name}.",
            limit="Each is a folder with pictures and a subject.json.",
            remedy="Name another folder.",
        )
    return tuple(cases)
