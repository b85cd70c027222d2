"""Scenes of earlier formats brought to the present one: a record in, a record out, nothing checked.

Format 2 renamed fields of layers to the field's words; format 1 was written until November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

LAYER_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "noise": "strength",
        "noise_map": "strength_map",
        "heard_from": "prompt_start",
        "heard_to": "prompt_end",
        "look": "embedding",
    }
)
"""What fields of a layer were called in format 1, and what they are called since format 2."""


def upgrade_scene(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record in the present format; a copy of it as it is, where it has that format already."""
    upgraded = dict(record)
    if record.get("version") == 1:
        upgraded["version"] = 2
        layers = record.get("layers")
        if isinstance(layers, list | tuple):
            upgraded["layers"] = [upgrade_layer(layer) for layer in layers]
    return upgraded


def upgrade_layer(layer: Any) -> Any:
    """A layer of format 1 under the names of format 2; what is no record stays what it is."""
    return rename_keys(layer, LAYER_FIELDS)


def rename_keys(record: Any, names: Mapping[str, str]) -> Any:
    """The record with some of its keys renamed, in their order; what is no record stays."""
    if not isinstance(record, Mapping):
        return record
    return {names.get(key, key): value for key, value in record.items()}
