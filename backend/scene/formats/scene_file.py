"""Files that hold a whole scene, whichever program wrote them. What a file is, its content says."""

from __future__ import annotations

from dataclasses import replace
from xml.parsers import expat

from backend.errors import ArchiveError, PictureError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import MAX_TEXT_BYTES, REMEDY, Archive, display_name
from backend.scene.formats.carried_scene import read_carried
from backend.scene.formats.external_files import (
    LAYER_LIMITS,
    MERGED,
    check_scene,
    place_picture,
    require_size,
)
from backend.scene.formats.known_scenes import FindScenes
from backend.scene.formats.openraster import OpenedScene, naming_file, read_archive
from backend.scene.formats.photoshop import is_photoshop, read_notes, unpack_photoshop
from backend.scene.formats.picture_file import decode_picture
from backend.scene.formats.png_blocks import SIGNATURE
from backend.scene.formats.scene_json import LoadFile, is_scene_json, read_scene_json
from backend.scene.formats.stack import refuse_entities
from backend.scene.layer import Layer
from backend.scene.scene import MIN_SIDE_PX

KRITA = b"application/x-krita"
KRITA_TREE = "maindoc.xml"
MOST_NAMES = 12


def read_scene_file(
    content: bytes, name: str = "", find: FindScenes | None = None, load: LoadFile | None = None
) -> OpenedScene:
    """The scene in an OpenRaster, a Photoshop or a Krita file, in a PNG that carries one, or in
    JSON. Only ArchiveError and SceneError (of a newer Lamina) come out.

    Args:
        content: The file's bytes.
        name: What sentences call the file.
        find: Knows scenes that a file may have come from which another program saved.
        load: How files are read that a scene in JSON names.
    """
    if content.startswith(SIGNATURE):
        return read_carried(content, name)
    with naming_file(name):
        if is_scene_json(content):
            return read_scene_json(content, load)
        if is_photoshop(content):
            archive = unpack_photoshop(content)
            opened = read_archive(archive, find)
            return replace(opened, notes=(*read_notes(archive), *opened.notes))
        archive = Archive(content)
        return _read_krita(archive) if _is_krita(archive) else read_archive(archive, find)


def _is_krita(archive: Archive) -> bool:
    return "mimetype" in archive and archive.read("mimetype", 1024).strip() == KRITA


def _read_krita(archive: Archive) -> OpenedScene:
    """Krita's own file by its merged picture, which becomes one layer; a note names Krita's own."""
    if MERGED not in archive:
        raise ArchiveError(
            "This Krita file has no merged picture, and its layers are read by Krita alone.",
            remedy="Save it in Krita as an OpenRaster file (.ora) and open that one.",
        )
    try:
        picture, notes = decode_picture(
            archive.read(MERGED, LAYER_LIMITS.file_bytes), MERGED, LAYER_LIMITS
        )
    except PictureError as error:
        raise ArchiveError(error.what, limit=error.limit, remedy=REMEDY) from None
    height_px, width_px = picture.shape[:2]
    require_size(width_px, height_px)
    pixels = MemoryPixels()
    merged = Layer(
        id="layer-1",
        name="Merged picture",
        picture=pixels.add_picture(picture),
        placement=place_picture(picture, 0, 0),
    )
    size = {"width_px": max(MIN_SIDE_PX, width_px), "height_px": max(MIN_SIDE_PX, height_px)}
    return OpenedScene(
        check_scene(size, [merged], []), pixels, {}, (*notes, _name_krita_layers(archive))
    )


def _name_krita_layers(archive: Archive) -> str:
    """What is said of the layers that came as one picture."""
    names: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.lower() == "layer":
            names.append(attributes.get("name", ""))

    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse_entities
    try:
        parser.Parse(archive.read(KRITA_TREE, MAX_TEXT_BYTES), True)
    except (expat.ExpatError, ArchiveError, ValueError, LookupError):
        names.clear()
    shown = ", ".join(display_name(name) for name in names[:MOST_NAMES])
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    whose = f" ({shown}{more})" if names else ""
    return (
        f"A Krita file comes as its merged picture; its layers{whose} are in no form that others "
        "read. Save it in Krita as an OpenRaster file (.ora) to have them."
    )
