"""The steps of undo and the named versions from a message to the store and back."""

from __future__ import annotations

from typing import Any

import pytest

from backend.studio.studio import Studio
from tests.studio.projects.test_home import make_scene
from ui.bridge import Bridge


def open_scene(bridge: Bridge, studio: Studio) -> dict[str, Any]:
    project, _ = make_scene(studio, "Stepped")
    return bridge.ask({"verb": "hello", "project": project})


def save_message(held: dict[str, Any], **more: Any) -> dict[str, Any]:
    kept = {name: held[name] for name in ("project", "revision", "scene", "editor")}
    return {"verb": "save", **kept, **more}


def test_steps_are_handed_in_with_a_save_and_read_after_opening(
    bridge: Bridge, studio: Studio
) -> None:
    held = open_scene(bridge, studio)
    assert (held["place"], held["is_kept"]) == (0, False)
    before = {"name": "Opened", "scene": {**held["scene"], "prompt": "x"}, "editor": held["editor"]}
    steps = {"first": 0, "place": 1, "steps": [before, {"name": "Saved"}]}
    bridge.ask(save_message(held, steps=steps, page="page-1"))
    again = bridge.ask({"verb": "hello", "project": held["project"]})
    assert (again["place"], again["is_kept"], again["saved_by"]) == (1, True, "page-1")
    found = bridge.ask({"verb": "steps", "project": held["project"], "place": 1, "later": True})
    assert [one["name"] for one in found["steps"]] == ["Opened", "Saved"]
    first = found["steps"][0]
    scene = {**found["records"][str(first["scene"])]}
    assert scene["prompt"] == "x"
    layers = [found["records"][str(one)] for one in first["layers"]]
    assert layers == held["scene"]["layers"]
    assert bridge.ask({"verb": "steps", "project": "nobody", "place": 0})["steps"] == []


def test_a_version_is_named_listed_opened_and_deleted(bridge: Bridge, studio: Studio) -> None:
    held = open_scene(bridge, studio)
    project = held["project"]
    asked = {"verb": "take_snapshot", "project": project, "revision": held["revision"]}
    taken = bridge.ask({**asked, "name": "Before"})
    assert bridge.ask({"verb": "snapshots", "project": project}) == {"snapshots": [taken]}
    scene = bridge.ask({"verb": "snapshot_scene", "snapshot": taken["id"]})
    assert (scene["project"], scene["scene"]) == (project, held["scene"])
    assert bridge.ask({**asked, "name": " "})["error"]["code"] == "request"
    assert bridge.ask({**asked, "name": "x" * 201})["error"]["remedy"]
    assert bridge.ask({"verb": "delete_snapshot", "snapshot": taken["id"]}) == {}
    assert bridge.ask({"verb": "snapshots", "project": project}) == {"snapshots": []}
    assert bridge.ask({"verb": "snapshot_scene", "snapshot": taken["id"]})["error"]["remedy"]


@pytest.mark.parametrize(
    "steps",
    [
        {"first": -1, "place": 0},
        {"first": 0},
        {"first": 0, "place": 2**60},
        {"first": 0, "place": 0, "steps": [{"name": "x" * 500}]},
        {"first": 0, "place": 0, "steps": [{"name": "x"}] * 101},
        {"first": 0, "place": 0, "colour": "red"},
        [],
    ],
)
def test_steps_of_the_wrong_kind_are_refused(bridge: Bridge, studio: Studio, steps: object) -> None:
    held = open_scene(bridge, studio)
    error = bridge.ask(save_message(held, steps=steps))["error"]
    assert error["code"] == "request"
    assert error["remedy"]
    assert bridge.ask({"verb": "hello", "project": held["project"]})["revision"] == held["revision"]
