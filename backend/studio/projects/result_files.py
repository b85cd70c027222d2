"""Pictures as files that tell what they are: each with its record, and with the scene that it was
made in; and what such a file says when it comes back.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from backend.errors import ArchiveError, StoreError
from backend.plan.picture_facts import MOVED
from backend.scene.blobs import Contents, digest_of
from backend.scene.formats.carried_scene import (
    CarriedScene,
    build_carried,
    find_scene,
    insert_scene,
    read_carried,
)
from backend.scene.formats.openraster import STORED_LIMITS
from backend.scene.formats.picture_file import decode_mask, decode_picture
from backend.scene.formats.picture_record import (
    PictureFacts,
    RunFact,
    build_record,
    dump_record,
    read_record,
    write_record,
)
from backend.scene.formats.source_marks import (
    StoredMarks,
    dump_marks,
    load_marks,
    name_member,
    read_mark_members,
    read_marks,
)
from backend.scene.formats.verify import check_picture
from backend.scene.imaging.arrays import Picture
from backend.scene.records import PictureDigest, Record
from backend.scene.scene import Scene
from backend.studio.jobs.worker import Offer
from backend.studio.projects.file_settings import read_settings
from backend.studio.projects.picture_check import PictureCheck, build_check
from backend.studio.projects.picture_history import PictureHistory
from backend.studio.projects.projects import repair_saved
from backend.studio.projects.versions import NO_VERSION, require_version
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.records import EditorState, PictureScene, TakenMask
from backend.studio.storage.storage import Storage

RECORD_MEMBER = "lamina/record.json"
"""Where the record lies in an OpenRaster file."""
KEPT_FILES = 4
"""So many asked-for files can still be fetched; the page fetches one at once."""
_DIALS = ("model", "method", "sampler", "steps", "guidance_scale", "seed")
PNG_START = b"\x89PNG"
NO_SCENE = "This picture is older than what Lamina keeps of scenes, so it carries none."


class ExportChoice(Record):
    """What goes into a file beside its pixels: the scene, hidden layers too, and all words."""

    scene: bool = True
    words: bool = False


class ResultFile(Record):
    """A file that can be fetched once or twice by its ``key``; ``notes`` say what is not in it."""

    key: str
    name: str
    notes: tuple[str, ...] = ()


class BroughtMarks(NamedTuple):
    """What a picture file brought with it."""

    has_scene: bool
    notes: tuple[str, ...]


class ResultFiles:
    """The pictures of a store as files with their records."""

    def __init__(
        self, store: Storage, offer: Offer, keep: Callable[[Scene, Contents], None]
    ) -> None:
        """``keep`` copies what a scene refers to into the store."""
        self._store = store
        self._offer = offer
        self._keep = keep
        self._files: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def read_facts(self, digest: PictureDigest) -> PictureFacts:
        """What is known of a stored picture, words included: what an exporter hands to
        ``write_record``.
        """
        licences = {model.id: model.licence for model in self._offer.models()}
        kept = self._read_scene(digest)
        named = {} if kept is None else {layer.id: layer for layer in kept.scene.layers}
        return PictureHistory(self._store, licences).read_facts(digest, named)

    def write_png(
        self, digest: PictureDigest, choice: ExportChoice
    ) -> tuple[bytes, tuple[str, ...]]:
        """A stored picture as a PNG with its record, and sentences about what is not in it."""
        pixels = self._store.pixels
        return self.add_record(pixels.png(digest), pixels.picture(digest), digest, choice)

    def add_record(
        self, content: bytes, picture: Picture, digest: PictureDigest, choice: ExportChoice
    ) -> tuple[bytes, tuple[str, ...]]:
        """A file of a stored picture with its record, and sentences about what is not in it.

        Args:
            content: a PNG, JPEG or WebP file; only a PNG carries a scene.
            picture: what it decodes to, uint8 (h, w, 3 or 4), at any size.
            digest: of the stored picture that it shows.
            choice: what goes with it.
        """
        facts, notes = self.read_facts(digest), []
        carried: CarriedScene | None = None
        if choice.scene and content.startswith(PNG_START):
            try:
                carried = self._carry(digest, choice, facts.runs)
                notes.extend([] if carried else [NO_SCENE])
            except ArchiveError as error:
                notes.append(f"{error.what} It is left out. {error.remedy}")
        content = write_record(
            content,
            picture,
            facts,
            with_words=choice.words,
            scene="" if carried is None else carried.digest,
        )
        return (insert_scene(content, carried) if carried else content), tuple(notes)

    def prepare(self, digest: PictureDigest, name: str, choice: ExportChoice) -> ResultFile:
        """Write the file of a picture, to be fetched next; a StoreError where it is gone."""
        content, notes = self.write_png(digest, choice)
        stem = " ".join(re.sub(r"[^\w .,()-]+", " ", name).split()).strip(" .")[:80] or "picture"
        key = secrets.token_hex(16)
        self._files[key] = (content, f"{stem}.png")
        while len(self._files) > KEPT_FILES:
            self._files.popitem(last=False)
        return ResultFile(key=key, name=f"{stem}.png", notes=notes)

    def fetch(self, key: str) -> tuple[bytes, str]:
        """A prepared file and its name; a StoreError where it is gone."""
        if key not in self._files:
            raise StoreError(
                "This file was fetched long ago.",
                limit=f"The last {KEPT_FILES} can be fetched again.",
                remedy="Export the picture once more.",
            )
        return self._files[key]

    def read_scene(self, content: bytes, name: str) -> PictureScene:
        """The scene that a PNG carries, its contents kept in the store; ArchiveError or SceneError
        where it cannot be read.
        """
        opened = read_carried(content, name)
        self._keep(opened.scene, opened.pixels)
        self.keep_members(find_scene(content) or b"", opened.scene)
        kept = read_settings(opened.settings, self._offer)
        return PictureScene(
            project="",
            scene=opened.scene,
            editor=EditorState(settings=kept.settings),
            notes=(*opened.notes, *kept.notes),
        )

    def list_members(self, scene: Scene, merged: Picture) -> dict[str, bytes]:
        """What goes into a scene's file beside the scene: the record of its ``merged`` picture
        uint8 (h, w, 4), and the marks that its pictures brought.
        """
        facts = PictureHistory(self._store).read_collage(scene)
        record = build_record(merged, facts, with_words=True)
        return {RECORD_MEMBER: dump_record(record), **self._list_marks(scene)}

    def keep_members(self, content: bytes, scene: Scene) -> None:
        """Keep the marks that a scene's file has for its pictures."""
        digests = {layer.picture for layer in scene.layers if layer.picture is not None}
        for digest, marks in read_mark_members(content, digests).items():
            if load_marks(marks) is not None:
                self._store.pixels.put_marks(digest, marks)

    def _list_marks(self, scene: Scene) -> dict[str, bytes]:
        digests = {layer.picture for layer in scene.layers if layer.picture is not None}
        found = {one: self._store.pixels.marks(one) for one in sorted(digests)}
        return {name_member(one): marks for one, marks in found.items() if marks is not None}

    def take_mask(self, content: bytes, name: str, size: tuple[int, int]) -> TakenMask:
        """Store a mask for a canvas of that size (width, height) from any picture file, stretched
        to it where need be; a PictureError where it cannot be used.
        """
        decoded, notes = decode_mask(content, name), []
        mask = decoded.picture
        found = (mask.shape[1], mask.shape[0])
        if found != size:
            stretched = Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)
            mask = np.asarray(stretched)
            notes.append(
                f"“{name[:80]}” has {found[0]} × {found[1]} px and was stretched to the canvas, "
                f"{size[0]} × {size[1]} px."
            )
        digest = self._store.pixels.add_mask(mask)
        return TakenMask(
            digest=digest, width_px=size[0], height_px=size[1], notes=(*decoded.notes, *notes)
        )

    def check(self, content: bytes, name: str) -> PictureCheck:
        """Hold a picture file against its own record, and look whether this store made it; a
        PictureError where it cannot be read.
        """
        report = check_picture(content, name)
        digest = digest_of(decode_picture(content, name, STORED_LIMITS).picture)
        with self._store.database.read() as connection:
            row = connection.execute(
                "SELECT seed, created FROM candidates WHERE digest = ? ORDER BY number", (digest,)
            ).fetchone()
        made = "" if row is None else f"seed {row['seed']}, on {row['created'][:10]}"
        return build_check(report, name, made)

    def _carry(
        self, digest: PictureDigest, choice: ExportChoice, runs: Sequence[RunFact]
    ) -> CarriedScene | None:
        kept = self._read_scene(digest)
        if kept is None:
            return None
        settings = kept.editor.settings.model_dump(mode="json") | _describe_settings(runs)
        marks = self._list_marks(kept.scene)
        return build_carried(
            kept.scene, self._store.contents, settings, marks, with_words=choice.words
        )

    def _read_scene(self, digest: PictureDigest) -> PictureScene | None:
        """The scene as it was when the picture was made; None where it was not kept."""
        with self._store.database.read() as connection:
            row = connection.execute(
                "SELECT recipes.version, jobs.project FROM candidates JOIN jobs ON jobs.id ="
                " candidates.job JOIN recipes ON recipes.job = candidates.job WHERE"
                " candidates.digest = ? AND recipes.version > ? ORDER BY candidates.number DESC",
                (digest, NO_VERSION),
            ).fetchone()
            if row is None:
                return None
            scene, editor = require_version(connection, row["version"])
        saved = repair_saved(row["project"], 0, scene, editor)
        return PictureScene(
            project=saved.id, scene=saved.scene, editor=saved.editor, notes=saved.notes
        )


def _describe_settings(runs: Sequence[RunFact]) -> dict[str, Any]:
    """The dials of the run that drew last, with the seed of the picture itself."""
    drawn = [run for run in runs if run.method != MOVED]
    return drawn[-1].model_dump(include=set(_DIALS)) if drawn else {}


def keep_marks(pixels: PixelFiles, digest: PictureDigest, content: bytes) -> BroughtMarks:
    """Keep what a picture file says of itself beside its pixels, and say it in sentences."""
    kept, found = read_marks(content), read_record(content)
    notes = [found.problem] if found.problem else []
    if kept != StoredMarks():
        pixels.put_marks(digest, dump_marks(kept))
        described = kept.marks.describe()
        if described:
            notes.append(f"It brings {described}; that is kept, and told of in what you save.")
    has_scene = find_scene(content) is not None
    record = found.record
    if record is not None and record.scene and not has_scene:
        notes.append("The scene that it carried was taken out by another program.")
    return BroughtMarks(has_scene, tuple(notes))
