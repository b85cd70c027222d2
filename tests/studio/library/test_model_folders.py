"""Folders of models that are added on the page: kept in the store, refused in sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.errors import ModelError, RequestError
from backend.studio.library import model_folders
from backend.studio.library.model_folders import ModelFolders, read_model_folders
from backend.studio.storage.disk import Disk
from backend.studio.storage.storage import Storage
from tests.studio.scripted import ScriptedOffer


@pytest.fixture
def folders(tmp_path: Path) -> ModelFolders:
    return ModelFolders(Storage(tmp_path / "store", Disk()), ScriptedOffer())


def paths(folders: ModelFolders) -> list[str]:
    return [one.path for one in folders.list_found().model_folders]


def test_what_is_added_is_kept_and_removed(folders: ModelFolders, tmp_path: Path) -> None:
    first, second = tmp_path / "a b", tmp_path / "ü"
    first.mkdir()
    second.mkdir()
    folders.add(f'  "{first}" ')
    folders.add(str(second))
    assert paths(folders) == [str(first), str(second)]
    assert read_model_folders(tmp_path / "store") == (first, second)
    folders.add(str(first))
    assert paths(folders) == [str(first), str(second)]
    folders.remove(str(first))
    assert read_model_folders(tmp_path / "store") == (second,)
    with pytest.raises(RequestError, match="not among"):
        folders.remove(str(first))


def test_a_home_is_found(
    folders: ModelFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ComfyUI").mkdir()
    folders.add("~/ComfyUI")
    assert paths(folders) == [str(tmp_path / "ComfyUI")]


@pytest.mark.parametrize("path", ["", "   ", "models", "./models", '""'])
def test_half_a_path_is_refused(folders: ModelFolders, path: str) -> None:
    with pytest.raises(RequestError, match="not a whole path"):
        folders.add(path)


@pytest.mark.parametrize("path", ["/no/such/folder", "~nobody-here/models", "/" + "x" * 3000])
def test_a_folder_that_is_not_there_is_refused(folders: ModelFolders, path: str) -> None:
    with pytest.raises((ModelError, RequestError)) as refusal:
        folders.add(path)
    assert refusal.value.remedy
    assert paths(folders) == []


def test_there_is_an_end_to_it(
    folders: ModelFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folders, "MAX_ADDED", 1)
    folders.add(str(tmp_path))
    (tmp_path / "more").mkdir()
    with pytest.raises(RequestError, match="too many"):
        folders.add(str(tmp_path / "more"))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"model_folders": 5}', '{"other": []}'])
def test_settings_that_cannot_be_read_stop_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_text(content)
    assert read_model_folders(tmp_path) == ()
    (tmp_path / "settings.json").write_text(json.dumps({"model_folders": ["/a", 5]}))
    assert read_model_folders(tmp_path) == (Path("/a"),)
