"""What of a layer is set but not read by the chosen method: a person should know it before a
run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from backend.plan.notes import called
from backend.plan.plan import Note
from backend.scene.layer import Layer
from backend.scene.scene import Scene

SETTINGS: Mapping[str, tuple[str, Callable[[Layer], bool]]] = MappingProxyType(
    {
        "look": ("its learned look", lambda layer: layer.look is not None),
        "structure": ("its held structure", lambda layer: layer.structure.kind != "none"),
        "noise_map": ("its painted freedom", lambda layer: layer.noise_map is not None),
        "heard": (
            "the steps in which it is heard",
            lambda layer: (layer.heard_from, layer.heard_to) != (0.0, 1.0),
        ),
        "seed": ("its own seed", lambda layer: layer.seed is not None),
    }
)
"""What a method may leave unread: its words for a person, and whether a layer has it."""


def ignored_notes(scene: Scene, title: str, ignores: Collection[str]) -> tuple[Note, ...]:
    """A note (code "ignored") for each visible layer with settings, named in SETTINGS, that a
    method does not read.
    """
    return tuple(
        Note(
            code="ignored",
            layer_id=layer.id,
            text=f"{called(layer)}: {title} does not use {_listed(unread)}.",
        )
        for layer in scene.visible_layers()
        if (
            unread := [
                words for name, (words, has) in SETTINGS.items() if name in ignores and has(layer)
            ]
        )
    )


def _listed(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
