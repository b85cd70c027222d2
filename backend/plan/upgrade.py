"""Plans, settings and training jobs that an earlier Lamina stored, as this one reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from backend.plan.plan import Plan
from backend.plan.request import TrainingJob
from backend.scene.upgrade import rename_keys, upgrade_layer

PlanRecord = dict[str, Any]

OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "looks": "embeddings",
        "freedom": "mask_tolerance",
        "per_draft": "per_stage1",
        "rivals": "competing_tokens",
        "side_paths": "reference_branch",
    }
)
"""What options of methods were called up to version 2; no two methods shared one of these."""
STARTS: Mapping[str, str] = MappingProxyType({"dream": "sample", "place": "background"})
"""Values of TCIG's option ``start``."""
TARGET: Mapping[str, str] = MappingProxyType(
    {"uncovered_noise": "uncovered_strength", "place": "background"}
)
TASK_KINDS: Mapping[str, str] = MappingProxyType(
    {"looks": "textual_inversion", "apart": "decompose"}
)


PLAIN_OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"collage": {"canvas_detail": 0.0}, "tcig": {"keep_pictures": False}}
)
"""What plans up to version 3 did without, as options of their methods."""


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


def upgrade_options(options: Any) -> Any:
    """A method's options under their present names; what is no record stays."""
    renamed = rename_keys(options, OPTIONS)
    if isinstance(renamed, dict) and renamed.get("start") in STARTS:
        renamed["start"] = STARTS[renamed["start"]]
    return renamed


def upgrade_settings(settings: Any) -> Any:
    """The dials of a run with their method's options under their present names."""
    if not isinstance(settings, Mapping) or "options" not in settings:
        return settings
    return {**settings, "options": upgrade_options(settings["options"])}


def read_training(text: str) -> TrainingJob:
    """The training job that a store holds as JSON; up to November 2026 it called its checkpoint
    ``begun``.
    """
    record = rename_keys(json.loads(text), {"begun": "checkpoint"})
    return TrainingJob.model_validate_json(json.dumps(record))


def _to_2(record: PlanRecord) -> PlanRecord:
    """A planned layer is a layer of the scene, and is called by ``id`` as that is."""
    layers = [{**layer, "id": layer["layer_id"]} for layer in record["layers"]]
    for layer in layers:
        del layer["layer_id"]
    return {**record, "layers": layers}


def _to_3(record: PlanRecord) -> PlanRecord:
    """The field's words: strength, prompt range, embedding, stage 1, background, decompose."""
    upgraded: PlanRecord = rename_keys(record, {"draft": "stage1"})
    upgraded["layers"] = [upgrade_layer(layer) for layer in record["layers"]]
    upgraded["target"] = rename_keys(record["target"], TARGET)
    upgraded["options"] = upgrade_options(record.get("options", {}))
    task = rename_keys(record.get("task"), {"begun": "checkpoints"})
    if isinstance(task, dict):
        task["kind"] = TASK_KINDS.get(task["kind"], task["kind"])
    upgraded["task"] = task
    return upgraded


def _to_4(record: PlanRecord) -> PlanRecord:
    """Until then pictures were what the autoencoder made of them, held layers' too."""
    plain = PLAIN_OPTIONS.get(record["method"], {})
    return {**record, "options": {**plain, **record.get("options", {})}}


_STEPS: Mapping[int, Callable[[PlanRecord], PlanRecord]] = MappingProxyType(
    {1: _to_2, 2: _to_3, 3: _to_4}
)
"""What brings a plan of a version to the next one."""
