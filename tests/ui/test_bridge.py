"""The bridge: every verb, every refusal in three parts, and 2,000 damaged messages."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path

import numpy as np
import pytest

from backend.scene.formats.picture_file import encode_png
from tests.ui.scripted_studio import ScriptedStudio
from ui.bridge import CODES, VERBS, Bridge
from ui.uploads import MAX_UPLOAD_BYTES, prepare_upload_folder

KNOWN_CODES = {code for _, code in CODES}


@pytest.fixture
def bridge(tmp_path):
    return Bridge(ScriptedStudio(), prepare_upload_folder(tmp_path / "uploads"))


def upload(bridge, content, name="file.bin"):
    folder = bridge.uploads.root / "0a1b"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


def assert_refused(reply, code):
    assert set(reply) == {"error"}, reply
    error = reply["error"]
    assert error["code"] == code
    assert error["what"]
    assert error["remedy"]
    assert all(len(error[part]) <= 200 for part in ("what", "limit", "remedy"))
    return error


def test_hello_brings_a_scene_and_all_facts(bridge):
    reply = bridge.ask({"verb": "hello"})
    expected = (
        "project revision scene editor job candidates models samplers methods examples limits "
        "version"
    )
    assert set(expected.split()) <= set(reply)
    assert reply["scene"]["layers"][0]["phrase"] == "red ball"
    assert bridge.ask({"verb": "hello", "project": reply["project"]})["project"] == reply["project"]
    assert_refused(bridge.ask({"verb": "hello", "project": "gone"}), "store")


def test_save_keeps_what_was_sent_and_refuses_a_stale_revision(bridge):
    held = bridge.ask({"verb": "hello"})
    scene = {**held["scene"], "prompt": "a red ball\x00 on sand \ud800"}
    message = {
        "verb": "save",
        "project": held["project"],
        "revision": 1,
        "scene": scene,
        "editor": held["editor"],
    }
    assert bridge.ask(message)["revision"] == 2
    assert bridge.ask({"verb": "hello"})["scene"]["prompt"] == "a red ball on sand "
    assert assert_refused(bridge.ask(message), "stale")["current"] == 2


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), -float("inf"), 2**53 + 1, -(10**400)]
)
def test_numbers_that_are_none_are_refused_by_the_name_of_their_field(bridge, number):
    held = bridge.ask({"verb": "hello"})
    held["scene"]["layers"][0]["strength"] = number
    message = {
        "verb": "save",
        "project": held["project"],
        "revision": 1,
        "scene": held["scene"],
        "editor": {},
    }
    assert "strength" in assert_refused(bridge.ask(message), "request")["what"]
    assert bridge.ask({"verb": "hello"})["revision"] == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"revision": True}, "revision"),
        ({"revision": 1.5}, "revision"),
        ({"revision": "1"}, "revision"),
        ({"revision": -1}, "revision"),
        ({"revision": None}, "revision"),
        ({"project": "../../etc"}, "project"),
        ({"project": ["p1"]}, "project"),
        ({"scene": []}, "scene"),
        ({"scene": "{}"}, "scene"),
        ({"extra": 1}, "extra"),
        ({"editor": None}, "editor"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(bridge, fields, named):
    held = bridge.ask({"verb": "hello"})
    message = {
        "verb": "save",
        "project": held["project"],
        "revision": 1,
        "scene": held["scene"],
        "editor": {},
    }
    assert named in assert_refused(bridge.ask({**message, **fields}), "request")["what"]


@pytest.mark.parametrize(
    "message", [None, 7, "hello", [], {}, {"verb": None}, {"verb": ["hello"]}, {"verb": "close"}]
)
def test_what_is_no_message_is_refused(bridge, message):
    assert "hello" in assert_refused(bridge.ask(message), "request")["limit"]


def test_nesting_and_size_have_ends(bridge):
    deep: object = 0
    for _ in range(5_000):
        deep = [deep]
    assert_refused(
        bridge.ask({"verb": "generate", "project": "p1", "revision": 1, "request": {"deep": deep}}),
        "request",
    )
    assert_refused(
        bridge.ask(
            {"verb": "generate", "project": "p1", "revision": 1, "request": {"w": [0] * 200_000}}
        ),
        "request",
    )


def test_a_picture_is_taken_once_and_its_upload_is_gone(bridge):
    held = bridge.ask({"verb": "hello"})
    png = bridge.studio.picture_png(held["scene"]["layers"][0]["picture"])
    path = upload(bridge, png)
    reply = bridge.ask({"verb": "take_picture", "path": path, "name": "ball.png"})
    assert (reply["width_px"], reply["height_px"], reply["opaque"]) == (32, 32, False)
    assert list(bridge.uploads.root.iterdir()) == []
    assert_refused(
        bridge.ask({"verb": "take_picture", "path": path, "name": "ball.png"}), "refused"
    )


def test_a_mask_is_taken_once_from_its_upload(bridge):
    path = upload(bridge, encode_png(np.arange(12, dtype=np.uint8).reshape(3, 4)))
    reply = bridge.ask({"verb": "take_mask", "path": path})
    assert (reply["width_px"], reply["height_px"]) == (4, 3)
    assert_refused(bridge.ask({"verb": "take_mask", "path": path}), "refused")
    assert_refused(bridge.ask({"verb": "take_mask", "path": path, "name": "x"}), "request")


def test_a_refused_picture_leaves_no_upload_behind(bridge):
    path = upload(bridge, b"just words")
    error = assert_refused(
        bridge.ask({"verb": "take_picture", "path": path, "name": "notes.txt"}), "picture"
    )
    assert "notes.txt" in error["what"]
    assert list(bridge.uploads.root.iterdir()) == []


def test_an_upload_beyond_the_limit_is_not_read(bridge):
    path = upload(bridge, b"")
    with open(path, "r+b") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    assert (
        "25 MB"
        in assert_refused(
            bridge.ask({"verb": "take_picture", "path": path, "name": "big"}), "refused"
        )["what"]
    )


def test_opening_a_file_an_example_and_neither(bridge):
    assert (
        bridge.ask({"verb": "open_ora", "path": upload(bridge, b"PK..."), "name": "a.ora"})[
            "revision"
        ]
        == 1
    )
    assert bridge.ask({"verb": "open_ora", "example": "ball"})["scene"]["prompt"] == "a red ball"
    assert_refused(bridge.ask({"verb": "open_ora", "path": upload(bridge, b"no archive")}), "scene")
    assert_refused(bridge.ask({"verb": "open_ora"}), "request")
    assert_refused(bridge.ask({"verb": "open_ora", "example": "ball", "path": "x"}), "request")


def test_a_job_from_generate_to_its_candidates(bridge):
    held = bridge.ask({"verb": "hello"})
    request = {"kind": "compose", "settings": {"steps": 3, "count": 2}}
    job = bridge.ask(
        {"verb": "generate", "project": held["project"], "revision": 1, "request": request}
    )["job"]
    seen: list[dict] = []
    for _ in range(10):
        job_events = bridge.ask(
            {"verb": "events", "job": job, "after": seen[-1]["n"] if seen else 0}
        )
        seen += job_events["events"]
        if job_events["state"] == "finished":
            break
    assert [event["n"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["kind"] == "finished"
    assert [candidate["seed"] for candidate in job_events["candidates"]] == [0, 1]
    assert bridge.ask({"verb": "cancel", "job": job}) == {"state": "finished"}
    assert (
        bridge.ask({"verb": "jobs", "project": held["project"]})["jobs"][0]["state"] == "finished"
    )
    assert_refused(bridge.ask({"verb": "events", "job": "none"}), "store")


def test_an_export_names_its_address(bridge):
    held = bridge.ask({"verb": "hello"})
    reply = bridge.ask({"verb": "export_ora", "project": held["project"]})
    assert reply == {"url": f"lamina/export/{held['project']}.ora", "name": "Untitled.ora"}
    assert_refused(bridge.ask({"verb": "export_ora", "project": "gone"}), "store")


def test_what_nobody_foresaw_is_logged_and_told_as_a_number_only(bridge, caplog):
    held = bridge.ask({"verb": "hello"})
    bridge.studio.explode = True
    message = {
        "verb": "save",
        "project": held["project"],
        "revision": 1,
        "scene": held["scene"],
        "editor": {},
    }
    with caplog.at_level(logging.ERROR, logger="ui.bridge"):
        reply = bridge.ask(message)
    error = assert_refused(reply, "internal")
    assert error["incident"] in error["what"]
    assert error["incident"] in caplog.text
    assert "canary" in caplog.text
    assert "canary" not in json.dumps(reply)
    assert "Traceback" not in json.dumps(reply)


def seeds_of_fuzz(bridge):
    held = bridge.ask({"verb": "hello"})
    project = held["project"]
    return [
        {"verb": "hello", "project": project},
        {
            "verb": "save",
            "project": project,
            "revision": 1,
            "scene": held["scene"],
            "editor": held["editor"],
        },
        {"verb": "take_picture", "path": str(bridge.uploads.root / "none"), "name": "a.png"},
        {"verb": "open_ora", "example": "ball"},
        {"verb": "export_ora", "project": project},
        {
            "verb": "generate",
            "project": project,
            "revision": 1,
            "request": {"kind": "compose", "settings": {}},
        },
        {"verb": "events", "job": "j1", "after": 0},
        {
            "verb": "split_by_masks",
            "project": project,
            "revision": 1,
            "picture": held["scene"]["layers"][0]["picture"],
        },
        {"verb": "cancel", "job": "j1"},
        {"verb": "jobs", "project": project},
    ]


def odd_value(chance):
    odd = [
        None,
        True,
        -1,
        0,
        2**53,
        2**63,
        1e308,
        -0.0,
        float("nan"),
        float("inf"),
        "",
        "\x00",
        "\ud800",
        "../..",
        "/etc/passwd",
        "<script>",
        "0" * 64,
        "a" * 5000,
        [],
        {},
        [[]],
        {"": ""},
        "𝒳",
        "hello",
    ]
    return chance.choice(odd)


def mutate(value, chance):
    """A JSON value in which one place, somewhere, was replaced, added, doubled or dropped."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        changed = dict(value)
        action = chance.random()
        if action < 0.1:
            del changed[key]
        elif action < 0.2:
            changed[str(odd_value(chance))] = changed[key]
        else:
            changed[key] = mutate(value[key], chance)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], mutate(value[place], chance), *value[place:]]
    return odd_value(chance)


def test_two_thousand_damaged_messages_meet_only_documented_errors(bridge, caplog):
    chance = random.Random(20)
    seeds = seeds_of_fuzz(bridge)
    refusals = 0
    for _ in range(2_000):
        message = chance.choice(seeds)
        for _ in range(chance.choice([1, 1, 2, 4])):
            message = mutate(message, chance)
        reply = bridge.ask(message)
        json.dumps(reply, allow_nan=False).encode("utf-8")
        if "error" in reply:
            refusals += 1
            assert reply["error"]["code"] in KNOWN_CODES, message
    assert refusals > 1_000
    assert "incident" not in caplog.text


def test_every_verb_of_the_protocol_page_is_answered():
    page = Path(__file__).parents[2].joinpath("ui/README.md").read_text(encoding="utf-8")
    table = page.partition("| verb |")[2].partition("\n\n")[0]
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == set(
        VERBS
    )


def test_autotune_gives_dials_with_reasons_for_one_layer_or_all(bridge):
    held = bridge.ask({"verb": "hello"})
    message = {"verb": "autotune", "project": held["project"], "revision": held["revision"]}
    (tuned,) = bridge.ask(message)["layers"]
    assert tuned["layer_id"] == "ball"
    assert tuned["reasons"]
    assert bridge.ask({**message, "layer": "ball"})["layers"] == [tuned]
    assert_refused(bridge.ask({**message, "revision": held["revision"] + 1}), "stale")
    assert_refused(bridge.ask({**message, "layer": 3}), "request")


def test_select_takes_a_point_or_a_box_and_exactly_one(bridge):
    held = bridge.ask({"verb": "hello"})
    picture = held["scene"]["layers"][0]["picture"]
    message = {"verb": "select", "project": held["project"], "picture": picture}
    assert len(bridge.ask({**message, "point": [3, 4.5]})["digest"]) == 64
    assert bridge.ask({**message, "box": [1, 2, 30, 40]})["width_px"] == 64
    assert_refused(bridge.ask(message), "request")
    assert_refused(bridge.ask({**message, "point": [3, 4], "box": [1, 2, 30, 40]}), "request")
    assert_refused(bridge.ask({**message, "point": [3]}), "request")
    assert_refused(bridge.ask({**message, "point": [3, "4"]}), "request")
    assert_refused(bridge.ask({**message, "picture": "../etc", "point": [3, 4]}), "request")
