"""Stored pixels and exports as plain addresses of the running page."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def project(live):
    return live.studio.open_latest()


def test_a_picture_is_given_bit_for_bit_and_kept_for_good(live, project):
    digest = project.scene.layers[0].picture
    response = live.client.get(f"/lamina/picture/{digest}.png")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    assert "immutable" in response.headers["cache-control"]
    stored = np.asarray(Image.open(io.BytesIO(live.studio.pictures[digest])))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(response.content))), stored)
    head = live.client.head(f"/lamina/picture/{digest}.png")
    assert head.headers["content-length"] == str(len(response.content))
    assert head.content == b""


@pytest.mark.parametrize(
    "name",
    [
        "f" * 64 + ".png",
        "F" * 64 + ".png",
        "0.png",
        "..%2f..%2fsecret.png",
        "a" * 64,
        "a" * 64 + ".jpg",
    ],
)
def test_what_is_no_stored_picture_is_a_sentence(live, name):
    response = live.client.get(f"/lamina/picture/{name}")
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["what"]
    assert error["remedy"]


def test_an_export_comes_as_a_file_with_its_name(live, project):
    scene = project.scene.model_copy(update={"name": 'Größe "1"\r\nx: y'})
    live.studio.projects[project.id] = project.model_copy(update={"scene": scene})
    response = live.client.get(f"/lamina/export/{project.id}.ora")
    assert response.content.startswith(b"PK")
    disposition = response.headers["content-disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%0D%0Ax%3A%20y.ora" in disposition
    assert "x" not in response.headers
    assert live.client.get("/lamina/export/gone.ora").status_code == 404


def test_addresses_can_only_be_read(live, project):
    digest = project.scene.layers[0].picture
    assert live.client.post(f"/lamina/picture/{digest}.png").status_code == 405
    assert live.client.delete(f"/lamina/export/{project.id}.ora").status_code == 405
