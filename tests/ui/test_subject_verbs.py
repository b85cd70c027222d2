"""The verbs of the library, from a page's message to the studio and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.plan.request import TRAINING_TITLES
from backend.scene.formats.picture_file import encode_png
from backend.studio.studio import Studio
from tests.studio.library.test_subjects import ScriptedTrainer
from tests.studio.workshop import open_studio, save_scene, square_picture, wait_for_end
from ui.bridge import Bridge
from ui.uploads import UploadFolder


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with open_studio(tmp_path / "store", ScriptedTrainer()) as found:
        yield found


@pytest.fixture
def bridge(studio: Studio, tmp_path: Path) -> Bridge:
    return Bridge(studio, UploadFolder(tmp_path))


def refusal(reply: dict[str, Any]) -> tuple[str, str]:
    return reply["error"]["code"], reply["error"]["what"]


def test_a_subject_from_the_first_message_to_the_last(bridge: Bridge, studio: Studio) -> None:
    digest = studio.take_picture(encode_png(square_picture()), "cat.png").digest
    cut = bridge.ask({"verb": "cut_reference", "model": "pocket", "picture": digest})
    assert (cut["width_px"], cut["opaque"]) == (48, False)
    made = bridge.ask(
        {"verb": "make_subject", "name": "Tom", "class_word": "cat", "references": [digest]}
    )
    assert (made["name"], made["state"], made["method"]) == (
        "Tom",
        "new",
        next(iter(TRAINING_TITLES)),
    )
    project, _ = save_scene(studio)
    asked = bridge.ask(
        {"verb": "train_subject", "project": project, "subject": made["id"], "model": "pocket"}
    )
    assert wait_for_end(studio, asked["job"]).state == "finished"
    assert (
        bridge.ask({"verb": "rename_subject", "subject": made["id"], "name": "Thomas"})["state"]
        == "ready"
    )
    listed = bridge.ask({"verb": "subjects"})
    assert [one["name"] for one in listed["subjects"]] == ["Thomas"]
    assert {one["id"] for one in listed["methods"]} == set(TRAINING_TITLES)
    assert bridge.ask({"verb": "delete_subject", "subject": made["id"]}) == {}
    assert bridge.ask({"verb": "subjects"})["subjects"] == []


def test_bad_messages_are_refused(bridge: Bridge, studio: Studio) -> None:
    digest = studio.take_picture(encode_png(square_picture()), "cat.png").digest
    for asked, reported in (
        (
            {"verb": "make_subject", "class_word": "cat", "references": []},
            ("request", "0 reference"),
        ),
        (
            {"verb": "make_subject", "class_word": "", "references": [digest]},
            ("request", "no class word"),
        ),
        (
            {"verb": "make_subject", "class_word": "cat", "references": ["x"]},
            ("request", "picture 1"),
        ),
        (
            {"verb": "make_subject", "class_word": "cat", "references": ["f" * 64]},
            ("store", "no picture"),
        ),
        (
            {
                "verb": "make_subject",
                "class_word": "cat",
                "method": "magic",
                "references": [digest],
            },
            ("request", "magic"),
        ),
        ({"verb": "delete_subject", "subject": "nobody"}, ("store", "no subject 'nobody'")),
        ({"verb": "rename_subject", "subject": "nobody", "name": "Tom"}, ("store", "no subject")),
    ):
        code, what = refusal(bridge.ask(asked))
        assert code == reported[0]
        assert reported[1] in what
