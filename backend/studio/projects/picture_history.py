"""What a store knows of a picture: the runs and mixes that it came from, oldest first, and where
the pictures of its layers come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Row

from backend.errors import LaminaError
from backend.plan.picture_facts import (
    DrawnPixels,
    RunSource,
    begin_unknown,
    build_facts,
    draw_layer,
    draw_mix,
    draw_whole,
    lay_together,
)
from backend.plan.plan import OneLayer
from backend.scene.composite import layer_sheet
from backend.scene.formats.picture_record import PictureFacts
from backend.scene.formats.pixel_map import PixelOrigin
from backend.scene.formats.source_marks import SourceMarks, StoredMarks, load_marks
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.paste import mix_weights
from backend.scene.layer import Layer
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene
from backend.studio.jobs.jobs import plan_of_job
from backend.studio.projects.candidates import read_candidate
from backend.studio.storage.storage import Storage

_FIND = (
    "SELECT candidates.number, candidates.id, candidates.job, candidates.seed, candidates.digest,"
    " candidates.source, jobs.project, mixes.other, mixes.mask FROM candidates"
    " JOIN jobs ON jobs.id = candidates.job"
    " LEFT JOIN mixes ON mixes.candidate = candidates.id"
    " WHERE candidates.digest = ? AND candidates.number < ?"
    " ORDER BY candidates.number DESC LIMIT 1"
)
_NEWEST = 2**62
_LONGEST_CUT = 100


@dataclass
class PictureHistory:
    """Reads a store row by row, so that nobody waits while pixels are compared. ``licences`` are
    those of the models by their ids.
    """

    store: Storage
    licences: Mapping[str, str] = field(default_factory=dict)

    def read_facts(self, digest: PictureDigest, named: Mapping[str, Layer]) -> PictureFacts:
        """All that is known of a stored picture; ``named`` are the layers of its scene by id."""
        return build_facts(self._draw(digest, _NEWEST), named, self.marks_of)

    def read_collage(self, scene: Scene) -> PictureFacts:
        """What is known of a scene's layers laid together, of which no run drew anything."""
        size = (scene.width_px, scene.height_px)
        layers = tuple(scene.visible_layers())
        sheets = (layer_sheet(one, self.store.contents, size).alpha for one in layers)
        return lay_together(layers, sheets, size, self.origin_of, self.marks_of)

    def find_row(self, digest: str, before: int = _NEWEST) -> Row | None:
        """The newest candidate with these pixels that is older than the one of a number."""
        with self.store.database.read() as connection:
            row: Row | None = connection.execute(_FIND, (digest, before)).fetchone()
        return row

    def origin_of(self, layer: Layer) -> PixelOrigin:
        """Where the pixels of a layer's own picture come from."""
        return PixelOrigin.GENERATED if layer.picture is None else self._origin(layer.picture)

    def marks_of(self, layer: Layer) -> SourceMarks | None:
        """What the file of a layer's picture said of itself; None where it said nothing."""
        kept = None if layer.picture is None else self._find_marks(layer.picture)
        return None if kept is None or kept.marks == SourceMarks() else kept.marks

    def _draw(self, digest: PictureDigest, before: int) -> DrawnPixels:
        """The picture, drawn from what came before it: the oldest first, each older than the next,
        so that it ends.
        """
        chain: list[Row] = []
        while digest and (row := self.find_row(digest, before)) is not None:
            chain.append(row)
            digest, before = row["source"], row["number"]
        oldest = chain[-1]["source"] if chain else digest
        if not chain:
            return self._begin(oldest)
        try:
            drawn = self._begin(oldest) if oldest else None
        except LaminaError:  # the picture before is gone
            drawn = None
        for row in reversed(chain):
            drawn = self._add(drawn, row)
        assert drawn is not None
        return drawn

    def _begin(self, digest: PictureDigest) -> DrawnPixels:
        """A picture that no candidate is: a draft, or a file that somebody brought."""
        picture = self.store.pixels.picture(digest)
        return begin_unknown(picture, self._origin(digest))

    def _add(self, base: DrawnPixels | None, row: Row) -> DrawnPixels:
        pixels, after = self.store.contents, self._colours(row["digest"])
        if row["other"] is not None and base is not None:
            with self.store.database.read() as connection:
                other = read_candidate(connection, row["other"])
            weights = mix_weights(pixels.mask(row["mask"]), after.shape[1], after.shape[0])
            return draw_mix(base, self._draw(other.digest, row["number"]), weights)
        with self.store.database.read() as connection:
            plan = plan_of_job(connection, row["job"])
        run = RunSource(plan, row["seed"], self.licences.get(plan.model, ""))
        try:
            if base is None or not isinstance(plan.target, OneLayer):
                return draw_whole(run, after, pixels, self.origin_of)
            return draw_layer(base, run, self._colours(row["source"]), after, pixels)
        except LaminaError:  # what it was drawn from is gone: then nothing is known to be kept
            return begin_unknown(after, PixelOrigin.GENERATED)

    def _colours(self, digest: PictureDigest) -> Picture:
        colours: Picture = self.store.pixels.picture(digest)[..., :3]
        return colours

    def _origin(self, digest: str) -> PixelOrigin:
        kept = self._find_marks(digest)
        if kept is not None:
            return kept.marks.origin
        return PixelOrigin.GENERATED if self._is_made_here(digest) else PixelOrigin.IMPORTED

    def _find_marks(self, digest: str) -> StoredMarks | None:
        """The marks of a picture, or of the one that it was cut from."""
        for _ in range(_LONGEST_CUT):
            kept = load_marks(self.store.pixels.marks(digest))
            if kept is None or not kept.cut_from:
                return kept
            if self._is_made_here(kept.cut_from):
                return StoredMarks(marks=SourceMarks(program="Lamina"))
            digest = kept.cut_from
        return None

    def _is_made_here(self, digest: str) -> bool:
        with self.store.database.read() as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM candidates WHERE digest = :digest) OR"
                " EXISTS (SELECT 1 FROM stage1_images WHERE digest = :digest) AS found",
                {"digest": digest},
            ).fetchone()
        return bool(row["found"])
