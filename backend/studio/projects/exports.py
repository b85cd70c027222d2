"""Files that people take away: pictures at the size of the canvas in the usual formats, and whole
scenes. A format is a row of ``EXPORTERS``.
"""

from __future__ import annotations

import io
import re
import secrets
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import Field

from backend.errors import RequestError, StoreError
from backend.scene.blobs import Contents
from backend.scene.composite import ground, lay_over, layer_sheet
from backend.scene.drawn import straight
from backend.scene.formats.openraster import write_ora
from backend.scene.formats.picture_file import FileFormat, encode_png
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Identifier, PictureDigest, Record
from backend.scene.scene import MAX_SIDE_PX, Scene
from backend.studio.projects.candidates import candidates_of_project, pair_of
from backend.studio.projects.damage import naming_layers
from backend.studio.projects.projects import SavedScene, read_project
from backend.studio.projects.result_files import ExportChoice, ResultFile, ResultFiles
from backend.studio.storage.records import Candidate
from backend.studio.storage.storage import Storage

KEPT_FILES = 8
"""So many asked-for files can still be fetched."""
OWN_SHAPE = 0.15
"""A picture whose proportions differ by more from what is asked for keeps its own."""
WHITE = "#ffffff"

Side = Annotated[int, Field(ge=0, le=MAX_SIDE_PX)]


@dataclass(frozen=True)
class PictureExporter:
    """A format of pictures: ``encode`` writes uint8 (h, w, 4), straight alpha, with a quality of
    1…100, which formats without loss do not look at.
    """

    facts: FileFormat
    encode: Callable[[Picture, int], bytes]


@dataclass(frozen=True)
class SceneExporter:
    """A format of whole scenes with their layers: ``write`` gets the scene, what it refers to by
    digest, and the settings of the desk.
    """

    facts: FileFormat
    write: Callable[[Scene, Contents, Mapping[str, Any]], bytes]


def encode_jpeg(picture: Picture, quality: int) -> bytes:
    """A JPEG of the colours; alpha is left out, and from 90 on no colour is halved."""
    content = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    image.save(content, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
    return content.getvalue()


def encode_webp(picture: Picture, quality: int) -> bytes:
    """A WebP; at 100 without loss, where what cannot be seen keeps its colour too."""
    content = io.BytesIO()
    image = Image.fromarray(_without_full_alpha(picture))
    image.save(content, "WEBP", quality=quality, lossless=quality == 100, exact=quality == 100)
    return content.getvalue()


def write_for_others(scene: Scene, contents: Contents, settings: Mapping[str, Any]) -> bytes:
    """An OpenRaster file that survives programs which drop all that is Lamina's."""
    return write_ora(scene, contents, settings, for_others=True)


def write_photoshop(scene: Scene, contents: Contents, settings: Mapping[str, Any]) -> bytes:
    """A Photoshop file; its library is loaded when the first is written."""
    from backend.scene.formats.photoshop_writing import write_psd

    return write_psd(scene, contents, settings)


EXPORTERS: tuple[PictureExporter | SceneExporter, ...] = (
    PictureExporter(
        FileFormat(
            id="png",
            title="PNG",
            suffix=".png",
            media_type="image/png",
            about="Every pixel as it is; for printing and for other programs.",
        ),
        lambda picture, _: encode_png(_without_full_alpha(picture)),
    ),
    PictureExporter(
        FileFormat(
            id="jpeg",
            title="JPEG",
            suffix=".jpg",
            media_type="image/jpeg",
            about="Small, for photographs; knows no transparency.",
            has_quality=True,
            keeps_alpha=False,
        ),
        encode_jpeg,
    ),
    PictureExporter(
        FileFormat(
            id="webp",
            title="WebP",
            suffix=".webp",
            media_type="image/webp",
            about="Smaller than JPEG, for web pages; at quality 100 every pixel as it is.",
            has_quality=True,
        ),
        encode_webp,
    ),
    SceneExporter(
        FileFormat(
            id="ora",
            title="OpenRaster (.ora)",
            suffix=".ora",
            media_type="image/openraster",
            about="All layers, words and settings; Lamina, Krita and GIMP open it.",
            is_scene=True,
        ),
        write_ora,
    ),
    SceneExporter(
        FileFormat(
            id="ora-for-others",
            title="OpenRaster for other programs (.ora)",
            suffix=".ora",
            media_type="image/openraster",
            about="Twice as large; comes back whole from GIMP 3, Krita and MyPaint.",
            is_scene=True,
        ),
        write_for_others,
    ),
    SceneExporter(
        FileFormat(
            id="psd",
            title="Photoshop (.psd)",
            suffix=".psd",
            media_type="image/vnd.adobe.photoshop",
            about="Layers with their masks; Lamina finds its words and settings in it again.",
            is_scene=True,
        ),
        write_photoshop,
    ),
)
"""What can be exported: pictures first, then whole scenes."""


class ExportRequest(Record):
    """What goes into a file.

    ``candidates`` are ids of pictures that were made; none means the collage as it stands. With
    ``width_px`` and ``height_px`` pictures are brought to that size, 0 leaves each as it was drawn.
    ``background`` is a colour that is laid under what is transparent, empty for none. A
    picture that was made carries its record; with ``scene`` a PNG has the scene of it too, with
    ``words`` both have prompts and names.
    """

    format: Identifier
    candidates: Annotated[tuple[Identifier, ...], Field(max_length=1000)] = ()
    width_px: Side = 0
    height_px: Side = 0
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    background: Annotated[str, Field(pattern=r"^(#[0-9a-f]{6})?$")] = ""
    scene: bool = True
    words: bool = False


@dataclass(frozen=True)
class ExportFile:
    """A file that can be fetched; its ``parts`` are made while they are sent. ``notes`` say what is
    not in it.
    """

    name: str
    media_type: str
    parts: Callable[[], Iterator[bytes]]
    notes: tuple[str, ...] = ()


class Exports:
    """Writes files of what a store has, and keeps the last few until they are fetched."""

    def __init__(self, store: Storage, results: ResultFiles) -> None:
        """``results`` writes the records into pictures."""
        self._store = store
        self._results = results
        self._files: OrderedDict[str, ExportFile] = OrderedDict()

    def prepare(self, project: str, request: ExportRequest) -> ResultFile:
        """Write a file, or find out that it can be written, to be fetched next.

        Raises:
            RequestError: the format is not known.
            StoreError: the project or a picture is gone.
            ArchiveError: the scene is too large for one file.
        """
        exporter = _require(request.format)
        with self._store.database.read() as connection:
            saved = read_project(connection, project)
            known = candidates_of_project(connection, project)
        if isinstance(exporter, SceneExporter):
            file = self._write_scene(saved, exporter)
        else:
            chosen = [pair_of(known, one, one)[0] for one in dict.fromkeys(request.candidates)]
            file = self._write_pictures(saved, chosen, exporter, request)
        key = secrets.token_hex(16)
        self._files[key] = file
        while len(self._files) > KEPT_FILES:
            self._files.popitem(last=False)
        return ResultFile(key=key, name=file.name, notes=file.notes)

    def fetch(self, key: str) -> ExportFile:
        """The file of a key; a StoreError when it is gone."""
        if key not in self._files:
            raise StoreError(
                "This file is no longer kept.",
                limit=f"The last {KEPT_FILES} exported files can be fetched.",
                remedy="Export it again.",
            )
        return self._files[key]

    def _write_scene(self, saved: SavedScene, exporter: SceneExporter) -> ExportFile:
        settings = saved.editor.settings.model_dump(mode="json")
        with naming_layers(saved.scene, self._store.pixels):
            content = exporter.write(saved.scene, self._store.contents, settings)
        return _whole(saved.scene.name, exporter.facts, content)

    def _write_pictures(
        self,
        saved: SavedScene,
        chosen: Sequence[Candidate],
        exporter: PictureExporter,
        request: ExportRequest,
    ) -> ExportFile:
        """One picture is written at once, so that a refusal is a sentence on the page; several are
        written while they are sent.
        """
        scene = saved.scene
        if not chosen:
            collage = _finish(flatten_collage(scene, self._store.contents), exporter, request)
            return _whole(scene.name, exporter.facts, exporter.encode(collage, request.quality))
        if len(chosen) == 1:
            content, notes = self._write_picture(chosen[0], exporter, request)
            name = f"{scene.name}, seed {chosen[0].seed}"
            return _whole(name, exporter.facts, content, notes)

        def list_members() -> Iterator[tuple[str, bytes]]:
            for place, one in enumerate(chosen, 1):
                name = f"{place:03d} {file_stem(scene.name)}, seed {one.seed}"
                yield name + exporter.facts.suffix, self._write_picture(one, exporter, request)[0]

        for one in chosen:
            self._store.pixels.png(one.digest)
        name = f"{file_stem(scene.name)}, {len(chosen)} pictures.zip"
        return ExportFile(name, "application/zip", lambda: stream_zip(list_members()))

    def _write_picture(
        self, candidate: Candidate, exporter: PictureExporter, request: ExportRequest
    ) -> tuple[bytes, tuple[str, ...]]:
        """The file of a picture with its record, and sentences about what is not in it."""
        digest = PictureDigest(candidate.digest)
        picture = _finish(self._store.pixels.picture(digest), exporter, request)
        content = exporter.encode(picture, request.quality)
        with Image.open(io.BytesIO(content)) as image:
            shown = np.asarray(image.convert("RGBA"))
        choice = ExportChoice(scene=request.scene, words=request.words)
        return self._results.add_record(content, shown, digest, choice)


def flatten_collage(scene: Scene, contents: Contents) -> Picture:
    """The collage at the size of the canvas, as the editor shows it: uint8 (h, w, 4), straight
    alpha; transparent where no layer is.
    """
    size = (scene.width_px, scene.height_px)
    flat = ground(size)
    for layer in scene.visible_layers():
        flat = lay_over(flat, layer_sheet(layer, contents, size))
    return straight(flat)


def resize_picture(picture: Picture, width_px: int, height_px: int) -> Picture:
    """uint8 (h, w, 4) at another size by Lanczos' filter over premultiplied colours.

    A size of 0 leaves it as it is; one of quite other proportions is what it is fitted into.
    """
    height, width = picture.shape[:2]
    if not width_px or not height_px or (width, height) == (width_px, height_px):
        return picture
    across, down = width_px / width, height_px / height
    if abs(across / down - 1) > OWN_SHAPE:
        scale = min(across, down)
        width_px, height_px = max(1, round(width * scale)), max(1, round(height * scale))
    if _is_opaque(picture):
        image = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
        colours = image.resize((width_px, height_px), Image.Resampling.LANCZOS)
        return np.asarray(colours.convert("RGBA"))
    alpha = picture[..., 3].astype(np.float32) / np.float32(255)
    bands = [picture[..., at].astype(np.float32) / np.float32(255) * alpha for at in range(3)]
    # The filter overshoots beside edges, alpha as much as colours: they are divided before either
    # is held within its range.
    size = (width_px, height_px)
    large = [
        np.asarray(Image.fromarray(band).resize(size, Image.Resampling.LANCZOS))
        for band in (*bands, alpha)
    ]
    return straight(np.stack(large, axis=2))


def lay_on_colour(picture: Picture, colour: str) -> Picture:
    """uint8 (h, w, 4) over a colour (#rrggbb), opaque then."""
    under = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
    alpha = picture[..., 3:].astype(np.float32) / np.float32(255)
    mixed = picture[..., :3] * alpha + under * (1 - alpha)
    full = np.full_like(picture[..., 3:], 255)
    return np.concatenate([(mixed + 0.5).astype(np.uint8), full], axis=2)


def stream_zip(members: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """A ZIP file in parts, one a member, so that its size costs no memory."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(name, content)
            yield sink.take()
    yield sink.take()


def file_stem(name: str) -> str:
    """A name as files may be called everywhere, without a suffix."""
    return " ".join(re.sub(r"[^\w .,()-]+", " ", name).split()).strip(" .,")[:80] or "scene"


class _Sink(io.RawIOBase):
    """What was written since it was taken last."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def _require(name: str) -> PictureExporter | SceneExporter:
    for exporter in EXPORTERS:
        if exporter.facts.id == name:
            return exporter
    raise RequestError(
        f"Lamina writes no files of the format {name[:40]!r}.",
        limit=f"It writes {', '.join(one.facts.id for one in EXPORTERS)}.",
        remedy="Choose one of these.",
    )


def _whole(name: str, facts: FileFormat, content: bytes, notes: tuple[str, ...] = ()) -> ExportFile:
    return ExportFile(
        file_stem(name) + facts.suffix, facts.media_type, lambda: iter((content,)), notes
    )


def _finish(picture: Picture, exporter: PictureExporter, request: ExportRequest) -> Picture:
    """A picture brought to its size and laid on its colour."""
    picture = resize_picture(picture, request.width_px, request.height_px)
    colour = request.background or ("" if exporter.facts.keeps_alpha else WHITE)
    return lay_on_colour(picture, colour) if colour else picture


def _is_opaque(picture: Picture) -> bool:
    return bool((picture[..., 3] == 255).all())


def _without_full_alpha(picture: Picture) -> Picture:
    """The colours alone where nothing is transparent."""
    return np.ascontiguousarray(picture[..., :3] if _is_opaque(picture) else picture)
