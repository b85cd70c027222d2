"""The gallery's verbs from a message to the studio and back, and the addresses of its files."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import anyio
from PIL import Image
from starlette.types import Message

from backend.studio.studio import Studio
from tests.studio.projects.test_gallery import generate
from tests.studio.projects.test_home import make_scene
from tests.studio.workshop import compose
from ui.bridge import Bridge
from ui.pictures import Answer, PictureRoutes


def get(studio: Studio, address: str) -> Answer:
    return PictureRoutes(lambda *_: None, studio).answer(f"/{address}")  # type: ignore[arg-type]


def fetch(answer: Answer, *, with_body: bool = True) -> tuple[dict[str, str], bytes]:
    """The headers and the whole body that an answer sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    anyio.run(lambda: answer.send(send, with_body=with_body))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert [bool(part.get("more_body")) for part in sent[1:]][-1] is False
    return headers, b"".join(part["body"] for part in sent[1:])


def list_all(bridge: Bridge, **wanted: Any) -> list[dict[str, Any]]:
    index = bridge.ask({"verb": "gallery", "filter": wanted})
    pages = [
        bridge.ask({"verb": "gallery_page", "filter": wanted, "key": key}) for key in index["keys"]
    ]
    return [picture for page in pages for picture in page["pictures"]]


def test_pictures_are_starred_deleted_and_put_back(bridge: Bridge, studio: Studio) -> None:
    project, _ = make_scene(studio, "First")
    first, second = generate(studio, project, compose(count=2))
    assert [one["id"] for one in list_all(bridge)] == [second, first]
    assert bridge.ask({"verb": "star_picture", "picture": first, "starred": True}) == {}
    assert [one["id"] for one in list_all(bridge, starred=True)] == [first]
    assert bridge.ask({"verb": "delete_pictures", "pictures": [first]}) == {}
    assert [one["id"] for one in list_all(bridge)] == [second]
    assert bridge.ask({"verb": "restore_pictures", "pictures": [first]}) == {}
    assert len(list_all(bridge)) == 2
    scene = bridge.ask({"verb": "picture_scene", "picture": first})
    assert (scene["project"], scene["scene"]["name"]) == (project, "First")
    for message in (
        {"verb": "delete_pictures", "pictures": ["nobody"]},
        {"verb": "picture_scene", "picture": "nobody"},
        {"verb": "delete_pictures", "pictures": []},
        {"verb": "gallery", "filter": {"colour": "red"}},
    ):
        error = bridge.ask(message)["error"]
        assert error["what"]
        assert error["remedy"]


def test_a_thumbnail_is_kept_for_good_and_many_pictures_come_in_parts(
    bridge: Bridge, studio: Studio
) -> None:
    project, _ = make_scene(studio, "First")
    made = generate(studio, project, compose(count=3))
    digest = list_all(bridge)[0]["digest"]
    small = get(studio, f"lamina/small/{digest}.webp")
    assert small.kind == "image/webp"
    assert Image.open(io.BytesIO(small.body)).format == "WEBP"
    assert get(studio, f"lamina/small/{'0' * 64}.webp").status == 404
    file = bridge.ask({"verb": "export_pictures", "pictures": made})
    headers, body = fetch(get(studio, file["url"]))
    assert "content-length" not in headers
    assert 'filename="Pictures.zip"' in headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert len(archive.namelist()) == 4
    assert fetch(get(studio, file["url"]), with_body=False)[1] == b""
    assert get(studio, f"lamina/pictures/{'0' * 32}.zip").status == 404
