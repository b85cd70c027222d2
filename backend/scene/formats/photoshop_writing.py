"""Scenes as Photoshop files: layers with their masks and groups for every program that reads PSD,
and the whole document for Lamina in an image resource of its own.

What such a file cannot hold is listed in ``backend/docs/file-formats.md``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.api.layers import Group, PixelLayer
from psd_tools.constants import BlendMode, Compression, ProtectedFlags, Tag
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource

from backend.scene.blobs import Contents
from backend.scene.composite import ground, lay_over, layer_sheet
from backend.scene.drawn import Drawn, draw_layer, straight
from backend.scene.formats.external_edits import WrittenEntry
from backend.scene.formats.known_scenes import describe_layer
from backend.scene.formats.layer_matching import name_of
from backend.scene.formats.openraster import pack_scene
from backend.scene.formats.photoshop import OWN_RESOURCE, PHOTOSHOP_MODES, mark_own
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Layer
from backend.scene.scene import Group as SceneGroup
from backend.scene.scene import Scene

READ_AS: Mapping[Blend, Blend] = {"soft_light": "soft_light_krita"}
"""The modes that Photoshop lacks, and what stands for them."""


def write_psd(scene: Scene, pixels: Contents, settings: Mapping[str, Any] | None = None) -> bytes:
    """The file; ``settings`` is any JSON object that is to survive with the scene.

    ArchiveError when what Lamina keeps in it for itself is larger than a file may be.
    """
    size = (scene.width_px, scene.height_px)
    psd = PSDImage.new("RGBA", size)
    groups = {group.members[0]: group for group in scene.groups}
    written: list[WrittenEntry] = []
    parent: PSDImage | Group = psd
    members: tuple[str, ...] = ()
    for number, layer in enumerate(scene.layers, start=1):
        if layer.id not in members:
            parent, members = psd, ()
        if layer.id in groups:
            parent, members = _add_group(psd, groups[layer.id]), groups[layer.id].members
        _add_layer(parent, layer, number, pixels, size)
        entry = describe_layer(layer)
        blend = READ_AS.get(layer.blend, layer.blend)
        src = {"src": f"data/{number}.png", "blend": blend}
        written.append(entry.model_copy(update=src))
    psd.image_resources[OWN_RESOURCE] = ImageResource(
        key=OWN_RESOURCE, data=mark_own(pack_scene(scene, pixels, settings or {}, written))
    )
    _set_preview(psd, _flatten(scene, pixels, size))
    content = io.BytesIO()
    psd._record.write(content)  # save() would draw the preview anew, by its own compositor
    return content.getvalue()


def _add_group(psd: PSDImage, group: SceneGroup) -> Group:
    """A group as Lamina means it: its layers meet what lies below one by one."""
    added = psd.create_group(
        name="Group", blend_mode=BlendMode.PASS_THROUGH, open_folder=not group.collapsed
    )
    added.name = group.name
    return added


def _add_layer(
    parent: PSDImage | Group, layer: Layer, number: int, pixels: Contents, size: tuple[int, int]
) -> None:
    """A layer on top, its mask beside its pixels."""
    drawn: Drawn = draw_layer(layer.model_copy(update={"mask": None}), pixels, size)
    image = Image.fromarray(np.ascontiguousarray(drawn.picture), "RGBA")
    added: PixelLayer = parent.create_pixel_layer(image, left=drawn.x, top=drawn.y)
    added.name = name_of(layer)
    added.opacity = round(layer.opacity * 255)
    sign = PHOTOSHOP_MODES[OPENRASTER_NAMES[READ_AS.get(layer.blend, layer.blend)]]
    added.blend_mode = BlendMode(sign)
    added.visible = layer.visible
    added.tagged_blocks.set_data(Tag.LAYER_ID, number)
    if layer.locked:
        added.lock(ProtectedFlags.COMPLETE)
    if layer.mask is not None:
        mask = np.rint(resize_area(pixels.mask(layer.mask), *size)).astype(np.uint8)
        added.create_mask(Image.fromarray(mask, "L"), left=0, top=0)


def _flatten(scene: Scene, pixels: Contents, size: tuple[int, int]) -> Picture:
    """The scene over nothing: uint8 (h, w, 4), straight alpha."""
    flat = ground(size)
    flat[..., 3] = 0.0
    for layer in scene.visible_layers():
        flat = lay_over(flat, layer_sheet(layer, pixels, size))
    return straight(flat)


def _set_preview(psd: PSDImage, flat: Picture) -> None:
    """The picture that a program shows which reads no layers; its colours lie on white, as the
    format wants it, and its alpha beside them.
    """
    alpha = flat[..., 3:].astype(np.uint16)
    colour: NDArray[np.uint8] = ((flat[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(
        np.uint8
    )
    bands = [np.ascontiguousarray(colour[..., band]).tobytes() for band in range(3)]
    record = psd._record
    info = record.layer_and_mask_information.layer_info
    if info is not None:  # below 0 it says that the fourth band is the picture's alpha
        info.layer_count = -abs(info.layer_count)
    record.image_data = ImageData(compression=Compression.RLE)
    record.image_data.set_data([*bands, flat[..., 3].tobytes()], record.header)
