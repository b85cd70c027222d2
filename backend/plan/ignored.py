"""What of a layer is set but not read by the chosen method: a person should know it before a
run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from backend.plan.notes import call_name
from backend.plan.plan import Note
from backend.scene.layer import Layer
from backend.scene.scene import Scene

SETTINGS: Mapping[str, tuple[str, Callable[[Layer], bool]]] = MappingProxyType(
    {
        "embedding": ("its learned look", lambda layer: layer.embedding is not None),
        "structure": ("its held structure", lambda layer: layer.structure.kind != "none"),
        "strength_map": ("its painted strength", lambda layer: layer.strength_map is not None),
        "prompt_range": (
            "the steps in which it is heard",
            lambda layer: (layer.prompt_start, layer.prompt_end) != (0.0, 1.0),
        ),
        "seed": ("its own seed", lambda layer: layer.seed is not None),
    }
)
"""What a method may leave unread: its words for a person, and whether a layer has it."""


def list_ignored(scene: Scene, title: str, ignores: Collection[str]) -> tuple[Note, ...]:
    """A note (code "ignored") for each visible layer with settings, named in SETTINGS, that a
    method does not read.
    """
    return tuple(
        Note(
            code="ignored",
            layer_id=layer.id,
            text=f"{call_name(layer)}: {title} does not use {_join_words(unread)}.",
        )
        for layer in scene.visible_layers()
        if (
            unread := [
                words for name, (words, has) in SETTINGS.items() if name in ignores and has(layer)
            ]
        )
    )


def _join_words(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
