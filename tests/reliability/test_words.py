"""Texts of people: kept as they were written, never in a log; and every refusal has its parts."""

from __future__ import annotations

import ast
import io
import logging
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import LaminaError
from backend.logs import FILE_NAME, configure_logging
from backend.scene.formats.openraster import read_ora
from backend.scene.formats.picture_file import encode_png
from backend.studio.studio import Studio
from tests.reliability.sizes import choose
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import (
    EDITOR,
    compose,
    open_studio,
    scene_with,
    square_picture,
    wait_for_end,
)
from ui.bridge import Bridge
from ui.uploads import UploadFolder

ROOT = Path(__file__).parents[2]
CORPUS = (
    *("Ёлка и кот", "猫とキノコ", "고양이", "قطة حمراء", "חתול אדום", "Ελληνικά", "İstanbul ığdır"),
    *("👩‍👩‍👧‍👦 family", "🇩🇪🏳️‍🌈", "e\u0301 combining", "Zoë naïve Ångström"),
    *("ﬁ ligature", "a\u200db", "\u202eright to left", "tab\tand\nline", '"quotes" \\ back'),
    *("<b>bold</b>", "&amp;", "]]>", "${value} {{value}}", "%s %d", "'; DROP TABLE projects;--"),
    *("../../etc", "NULL", "  spaces  "),
    *(chr(code) * 3 for code in (0x7F, 0xA0, 0xAD, 0x2028, 0xFEFF, 0xFFFD, 0x1F600, 0x10FFFD)),
    *(f"word{number} {chr(0x100 + number * 37)}" for number in range(choose(6, 170, 2000))),
)
"""Scripts, directions, joiners, markup, and whatever else people paste."""


def normalise(text: str) -> str:
    """As the server keeps a text: composed, the way a search would find it."""
    return unicodedata.normalize("NFC", text)


@pytest.mark.slow
def test_texts_survive_save_reload_and_file_as_they_were_written(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        digest = studio.take_picture(encode_png(square_picture()), "ball.png").digest
        opened = studio.open_latest()
        revision = opened.revision
        for text in CORPUS:
            scene = scene_with(digest, text) | {"prompt": text, "negative": text}
            scene["layers"][0] |= {"name": text, "phrase": text}
            revision = studio.save(opened.id, revision, scene, EDITOR).revision
            kept = studio.open_project(opened.id).scene
            file = read_ora(studio.export_ora(opened.id)[0], "x.ora").scene
            for found in (kept, file):
                texts = (found.name, found.prompt, found.negative)
                layer = (found.layers[0].name, found.layers[0].phrase)
                assert {normalise(one) for one in (*texts, *layer)} == {normalise(text)}, text


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    """The log of a server that tells all it can; handlers are the process's and put back."""
    loggers = [logging.getLogger(name) for name in (None, "backend", "ui")]
    before = [(one, one.level, one.handlers[:], one.propagate) for one in loggers]
    configure_logging("debug", tmp_path)
    yield tmp_path / FILE_NAME
    for one, level, handlers, propagate in before:
        for handler in set(one.handlers) - set(handlers):
            handler.close()
        one.setLevel(level)
        one.handlers[:] = handlers
        one.propagate = propagate


CANARY = "Xanadu-4711"


def test_no_log_has_the_words_of_a_person(tmp_path: Path, log_file: Path) -> None:
    def fail(phase: str) -> None:
        if phase == "decode":
            raise RuntimeError("a library broke")

    with open_studio(tmp_path / "store", ScriptedWorker(fail)) as studio:
        uploads = UploadFolder(tmp_path)
        bridge = Bridge(studio, uploads)
        project, revision = plant(studio)
        job = studio.generate(project, revision, compose()).job
        assert wait_for_end(studio, job).state == "failed"
        (tmp_path / f"{CANARY}.png").write_bytes(b"no picture")
        for message in (
            {"verb": "take_picture", "path": str(tmp_path / f"{CANARY}.png"), "name": CANARY},
            {"verb": CANARY},
            {"verb": "rename_scene", "project": project, "name": f"{CANARY} again"},
            {"verb": "gallery", "filter": {"words": CANARY}},
            {"verb": "hello", "project": CANARY},
            {"verb": "export_ora", "project": project},
            {"verb": "take_snapshot", "project": project, "revision": revision, "name": CANARY},
        ):
            bridge.ask(message)
        with studio._store.database.write() as connection:
            connection.execute("UPDATE projects SET scene = substr(scene, 1, 90)")
        bridge.ask({"verb": "hello"})
        studio.home.list_all()
        studio.upkeep.run()
    text = log_file.read_text(encoding="utf-8")
    assert "failed unexpectedly" in text
    assert CANARY not in text


def plant(studio: Studio) -> tuple[str, int]:
    """A scene in which every text holds the word."""
    digest = studio.take_picture(encode_png(square_picture()), f"{CANARY}.png").digest
    opened = studio.open_latest()
    scene = scene_with(digest, CANARY) | {"prompt": f"a red ball in {CANARY}", "negative": CANARY}
    scene["layers"][0] |= {"name": CANARY, "phrase": f"red ball in {CANARY}"}
    return opened.id, studio.save(opened.id, opened.revision, scene, EDITOR).revision


def list_raises() -> Iterator[tuple[str, ast.Call]]:
    """Every place of the product where one of our errors is made, with its file and line."""
    names = {kind.__name__ for kind in (LaminaError, *all_kinds(LaminaError))} - {"StaleRevision"}
    for path in sorted((*ROOT.glob("backend/**/*.py"), *ROOT.glob("ui/**/*.py"))):
        text = path.read_text(encoding="utf-8")
        nodes = ast.walk(ast.parse(text)) if "Error(" in text else ()
        for node in nodes:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def all_kinds(kind: type[LaminaError]) -> Iterator[type[LaminaError]]:
    for one in kind.__subclasses__():
        yield one
        yield from all_kinds(one)


def join_words(node: ast.expr | None) -> str:
    """The fixed words of a text; what is filled in counts as one."""
    texts = [part for part in ast.walk(node) if isinstance(part, ast.Constant)] if node else []
    return " ".join(str(part.value) for part in texts if isinstance(part.value, str))


@pytest.mark.slow
def test_every_refusal_says_what_and_how_to_go_on() -> None:
    wrong, seen = [], 0
    for place, node in list_raises():
        seen += 1
        parts = {one.arg: one.value for one in node.keywords}
        what = node.args[0] if node.args else parts.get("what")
        remedy = parts.get("remedy")
        is_fixed = isinstance(remedy, ast.Constant | ast.JoinedStr)
        if what is None or (is_fixed and len(join_words(remedy)) < 8):
            wrong.append(place)
        if "Traceback" in join_words(what) or len(join_words(what)) > 200:
            wrong.append(place)
    assert wrong == []
    assert seen > 150


def test_no_reply_shows_the_inside_of_a_failure(tmp_path: Path) -> None:
    """What nobody foresaw is a number, not a traceback."""
    with open_studio(tmp_path) as studio:
        bridge = Bridge(studio, UploadFolder(tmp_path))
        studio._store.database._reader.close()
        for verb in ("hello", "scenes"):
            error = bridge.ask({"verb": verb})["error"]
            shown = io.StringIO()
            print(*error.values(), file=shown)
            assert "Traceback" not in shown.getvalue()
            assert error["remedy"]
