"""The record that a saved picture carries of itself: what made each object of it, where each pixel
comes from, and the digests by which that can be counted again.

It lies in the file's XMP packet, beside IPTC's digital source type, so that it travels as far as
XMP does. A PNG may carry the scene as well (``carried_scene.py``). Exporters call ``write_record``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from backend import __version__
from backend.errors import PictureError
from backend.scene.formats.pixel_map import (
    MADE_BY_MODELS,
    PackedMaps,
    PixelMaps,
    PixelOrigin,
    TileDigests,
    choose_tile,
    measure_tiles,
    pack_maps,
    pack_tiles,
)
from backend.scene.formats.source_marks import SOURCE_TYPE, SourceMarks
from backend.scene.formats.xmp import (
    LONGEST,
    LONGEST_JPEG,
    build_packet,
    find_packets,
    insert_packet,
    read_properties,
)
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Name, Record, Words
from backend.scene.scene import canonical_json

FORMAT = 1
PROPERTY = "lamina:Record"
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
WHOLLY_GENERATED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
_SIZES = ((4096, 1), (4096, 2), (1024, 4), (1024, 8), (256, 16), (256, 64))
"""Most tiles, and pixels a cell of the maps: the first with which a record fits into its file."""
_Side = Annotated[int, Field(ge=1, le=2**20)]


class LoraFact(Record):
    """A LoRA that took part: the SHA-256 of its file, how much of it, its name where asked for."""

    digest: str
    weight: float
    name: Name = ""


class RunFact(Record):
    """A run that drew pixels of the picture; ``pixels`` are those that are still to be seen.

    ``object`` is the layer that it drew again, empty for a whole picture. ``changed_outside`` is
    how many pixels of the picture before it differ where it had nothing to draw, counted when the
    picture was saved; None for a whole picture.
    """

    model: str
    licence: str = ""
    method: str = ""
    sampler: str = ""
    steps: int = 0
    guidance_scale: float = 0.0
    seed: int
    plan: str = ""
    object: str = ""
    pixels: int = 0
    changed_outside: int | None = None
    loras: tuple[LoraFact, ...] = ()
    embeddings: tuple[str, ...] = ()
    subject: str = ""
    prompt: str = ""
    negative: str = ""


class ObjectFact(Record):
    """One layer as it is seen in the picture.

    ``box`` is (x0, y0, x1, y1) of its pixels, ``origins`` how many of them come from where, ``run``
    the place of the run that drew most of them, from 0 on. ``picture`` is the SHA-256 of its own
    pixels, and ``marks`` what the file brought from which they came.
    """

    id: str
    box: tuple[int, int, int, int]
    pixels: int
    origins: dict[str, int]
    run: int | None = None
    model: str = ""
    licence: str = ""
    seed: int | None = None
    picture: str = ""
    marks: SourceMarks | None = None
    name: Name = ""
    phrase: Words = ""


class PictureRecord(Record):
    """All that a saved picture says of itself. Numbers are in its own pixels.

    ``digest`` is the SHA-256 over everything else; ``scene`` that of the scene which the file
    carries, empty where it carries none.
    """

    format: Literal[1] = 1
    program: str
    width_px: _Side
    height_px: _Side
    source_type: str = ""
    pixels: dict[str, int]
    changed_outside: int | None = None
    objects: tuple[ObjectFact, ...] = ()
    runs: tuple[RunFact, ...] = ()
    maps: PackedMaps
    tiles: TileDigests
    words: bool = False
    scene: str = ""
    digest: str = ""

    def compute_digest(self) -> str:
        """The SHA-256 that ``digest`` has to be."""
        record = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(canonical_json(record).encode()).hexdigest()

    def title_of(self, number: int) -> str:
        """What an object is called in a sentence, by its place from 1 on."""
        if not 1 <= number <= len(self.objects):
            return "the background" if number == 0 else "further objects"
        one = self.objects[number - 1]
        return f"“{one.name or one.phrase}”" if one.name or one.phrase else f"object {number}"


@dataclass(frozen=True, eq=False)
class PictureFacts:
    """What is known of a picture before it is written: a map of every pixel, and the records of
    its objects and runs, words included.
    """

    maps: PixelMaps
    objects: tuple[ObjectFact, ...] = ()
    runs: tuple[RunFact, ...] = ()

    @property
    def source_type(self) -> str:
        """IPTC's digital source type; empty where nothing of it was made by a model."""
        seen = {PixelOrigin[name.upper()] for name in self.maps.count_origins()}
        if not seen.intersection(MADE_BY_MODELS):
            return ""
        return WHOLLY_GENERATED if seen <= set(MADE_BY_MODELS) else COMPOSITE

    @property
    def changed_outside(self) -> int | None:
        """Over all re-rolls; None where there was none."""
        counts = [one.changed_outside for one in self.runs if one.changed_outside is not None]
        return sum(counts) if counts else None

    def resize(self, width_px: int, height_px: int) -> PictureFacts:
        """The facts of the picture at another size: boxes and counts follow the maps."""
        if self.maps.origins.shape == (height_px, width_px):
            return self
        maps = self.maps.resize(width_px, height_px)
        return PictureFacts(maps, measure_objects(self.objects, maps), self.runs)


def measure_objects(objects: tuple[ObjectFact, ...], maps: PixelMaps) -> tuple[ObjectFact, ...]:
    """The objects with what the maps say of their pixels."""
    measured = []
    for number, one in enumerate(objects, 1):
        inside = maps.objects == number
        own = PixelMaps(maps.origins[inside][None], maps.objects[inside][None])
        found = {"pixels": int(inside.sum()), "origins": own.count_origins()}
        measured.append(one.model_copy(update={**found, "box": tuple(maps.box_of(number))}))
    return tuple(measured)


def write_record(
    content: bytes,
    picture: Picture,
    facts: PictureFacts,
    *,
    with_words: bool = False,
    scene: str = "",
) -> bytes:
    """A PNG, JPEG or WebP with the record of what it shows.

    Args:
        content: the file as it was encoded, without metadata.
        picture: what it decodes to, uint8 (h, w, 3 or 4); of a JPEG too, the decoded pixels.
        facts: of the picture at any size.
        with_words: whether prompts and names go into it.
        scene: the SHA-256 of the scene that the file will carry.

    Raises:
        PictureError: the record does not fit into the file.
    """
    longest = LONGEST_JPEG if content[:2] == b"\xff\xd8" else LONGEST
    for most_tiles, cell_px in _SIZES:
        record = build_record(
            picture, facts, with_words=with_words, scene=scene, most_tiles=most_tiles,
            cell_px=cell_px,
        )  # fmt: skip
        packet = build_packet(_list_properties(record))
        if len(packet) <= longest:
            return insert_packet(content, packet)
    raise PictureError(
        f"The picture's record is too long for its file ({len(packet) // 1024} KB).",
        limit=f"At most {longest // 1024} KB go into it.",
        remedy="Save it as a PNG, or without words.",
    )


def build_record(
    picture: Picture,
    facts: PictureFacts,
    *,
    with_words: bool = False,
    scene: str = "",
    most_tiles: int = 4096,
    cell_px: int = 1,
) -> PictureRecord:
    """The record of a picture uint8 (h, w, 3 or 4); the arguments are those of
    :func:`write_record`.
    """
    height_px, width_px = picture.shape[:2]
    facts = facts.resize(width_px, height_px)
    tile_px = choose_tile(width_px, height_px, most_tiles)
    record = PictureRecord(
        program=f"Lamina {__version__}",
        width_px=width_px,
        height_px=height_px,
        source_type=facts.source_type,
        pixels=facts.maps.count_origins(),
        changed_outside=facts.changed_outside,
        objects=facts.objects if with_words else tuple(map(_without_name, facts.objects)),
        runs=facts.runs if with_words else tuple(map(_without_prompt, facts.runs)),
        maps=pack_maps(facts.maps, cell_px),
        tiles=pack_tiles(measure_tiles(picture, tile_px)),
        words=with_words,
        scene=scene,
    )
    return record.model_copy(update={"digest": record.compute_digest()})


@dataclass(frozen=True)
class FoundRecord:
    """What a file holds of records: the first that can be read, how many there are, and a sentence
    where there is something to say of it.
    """

    record: PictureRecord | None
    count: int
    problem: str = ""


def read_record(content: bytes) -> FoundRecord:
    """The record of a PNG, JPEG or WebP; nothing is raised."""
    texts = [text for packet in find_packets(content) for text in read_properties(packet, PROPERTY)]
    if not texts:
        return FoundRecord(None, 0)
    try:
        return FoundRecord(load_record(texts[0]), len(texts))
    except ValueError as error:
        return FoundRecord(None, len(texts), str(error))


def load_record(text: str) -> PictureRecord:
    """A record from its JSON; a ValueError says in a sentence why it cannot be used."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("Its record is damaged: it cannot be read.") from None
    newer = body.get("format") if isinstance(body, Mapping) else None
    if isinstance(newer, int) and newer > FORMAT:
        raise ValueError(
            f"Its record was written by a newer Lamina (format {newer}); this one reads format "
            f"{FORMAT}. Update Lamina to read it."
        )
    try:
        record = PictureRecord.model_validate_json(text, strict=True)
    except (ValidationError, ValueError, RecursionError):
        raise ValueError("Its record is damaged: parts of it are no record of Lamina's.") from None
    if record.compute_digest() != record.digest:
        raise ValueError("Its record was changed after it was written: its digest does not fit.")
    return record


def dump_record(record: PictureRecord) -> bytes:
    """The record as a member of an archive."""
    return canonical_json(record.model_dump(mode="json")).encode()


def _list_properties(record: PictureRecord) -> Mapping[str, str]:
    """The properties of the packet: what every reader of XMP knows, then Lamina's own."""
    return {
        SOURCE_TYPE: f"{SOURCE_TYPES}{record.source_type}" if record.source_type else "",
        "Iptc4xmpExt:AISystemUsed": ", ".join(dict.fromkeys(one.model for one in record.runs)),
        "xmp:CreatorTool": record.program,
        PROPERTY: dump_record(record).decode(),
    }


def _without_name(one: ObjectFact) -> ObjectFact:
    return one.model_copy(update={"name": "", "phrase": ""})


def _without_prompt(one: RunFact) -> RunFact:
    loras = tuple(lora.model_copy(update={"name": ""}) for lora in one.loras)
    words: dict[str, Any] = {"prompt": "", "negative": "", "loras": loras}
    return one.model_copy(update=words)
