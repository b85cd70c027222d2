"""The verbs of Home from a message to the studio and back, and the addresses of its files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from backend.errors import StoreError
from backend.studio.studio import Studio
from tests.studio.projects.test_home import change_row, make_scene
from tests.studio.workshop import open_studio
from ui.bridge import Bridge
from ui.pictures import Answer, PictureRoutes
from ui.uploads import UploadFolder, prepare_upload_folder


def names(bridge: Bridge) -> list[str]:
    found: list[dict[str, Any]] = bridge.ask({"verb": "scenes"})["scenes"]
    return [scene["name"] for scene in found if not scene["deleted"]]


def get(studio: Studio, address: str) -> Answer:
    return PictureRoutes(lambda *_: None, studio).answer(f"/{address}")  # type: ignore[arg-type]


def test_a_scene_is_renamed_copied_deleted_and_put_back(bridge: Bridge, studio: Studio) -> None:
    project, _ = make_scene(studio, "First")
    ask = {"project": project}
    assert bridge.ask({"verb": "rename_scene", **ask, "name": "Toys"})["name"] == "Toys"
    copy = bridge.ask({"verb": "duplicate_scene", **ask})
    assert copy["name"] == "Toys copy"
    assert names(bridge) == ["Toys copy", "Toys"]
    assert bridge.ask({"verb": "delete_scene", **ask})["deleted"]
    assert names(bridge) == ["Toys copy"]
    assert not bridge.ask({"verb": "restore_scene", **ask})["deleted"]
    assert len(names(bridge)) == 2
    for verb in ("rename_scene", "duplicate_scene", "delete_scene", "salvage_scene"):
        asked = {"verb": verb, "project": "nobody"} | (
            {"name": "x"} if verb == "rename_scene" else {}
        )
        error = bridge.ask(asked)["error"]
        assert error["code"] == "store"
        assert error["remedy"]


def test_thumbnails_and_remains_have_addresses(bridge: Bridge, studio: Studio) -> None:
    project, _ = make_scene(studio, "First")
    (entry,) = bridge.ask({"verb": "scenes"})["scenes"]
    thumbnail = get(studio, entry["thumbnail"])
    assert (thumbnail.status, thumbnail.kind) == (200, "image/webp")
    reply = bridge.ask({"verb": "salvage_scene", "project": project})
    remains = get(studio, reply["url"])
    assert (remains.status, remains.kind) == (200, "application/zip")
    assert reply["name"] == "First (what is there).zip"
    for address in ("lamina/thumbnail/nobody.1.webp", "lamina/salvage/nobody.zip"):
        assert get(studio, address).status == 404


def test_one_bad_scene_does_not_keep_the_page_from_opening(tmp_path: Path) -> None:
    with open_studio(tmp_path / "store") as studio:
        make_scene(studio, "Sound")
        broken, _ = make_scene(studio, "Broken")
    change_row(tmp_path / "store", broken, json.dumps({"version": 9, "name": "Broken"}))
    with open_studio(tmp_path / "store") as studio:
        bridge = Bridge(studio, UploadFolder(tmp_path))
        assert bridge.ask({"verb": "hello"})["scene"]["name"] == "Sound"
        assert bridge.ask({"verb": "hello", "project": broken})["error"]["code"] == "scene"
        assert names(bridge) == ["Broken", "Sound"]


def test_an_upload_folder_that_is_a_link_is_refused_and_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "album").mkdir(parents=True)
    (theirs / "photo.png").write_bytes(b"mine")
    os.symlink(theirs, tmp_path / "uploads")
    with pytest.raises(StoreError, match="is a link"):
        prepare_upload_folder(tmp_path / "uploads")
    assert (theirs / "photo.png").read_bytes() == b"mine"
    assert (theirs / "album").is_dir()
