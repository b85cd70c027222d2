"""Plans that an earlier Lamina stored, as this one reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from backend.plan.plan import Plan

PlanRecord = dict[str, Any]


def read_plan(text: str) -> Plan:
    """The plan that a store holds as JSON, of whichever version.

    Args:
        text: The JSON of a plan, as ``Plan.model_dump_json`` of any version wrote it.

    Returns:
        The same recipe in the present version. Its digest may differ from the one that was
        stored beside it: a stored digest stays the name of the recipe of its day.
    """
    record = json.loads(text)
    while (version := record.get("version", 1)) in _STEPS:
        record = {**_STEPS[version](record), "version": version + 1}
    return Plan.model_validate_json(json.dumps(record))


def _to_2(record: PlanRecord) -> PlanRecord:
    """A planned layer is a layer of the scene, and is called by ``id`` as that is."""
    layers = [{**layer, "id": layer["layer_id"]} for layer in record["layers"]]
    for layer in layers:
        del layer["layer_id"]
    return {**record, "layers": layers}


_STEPS: Mapping[int, Callable[[PlanRecord], PlanRecord]] = MappingProxyType({1: _to_2})
"""What brings a plan of a version to the next one."""
