"""XMP packets of PNG, JPEG and WebP files: found, read and put in, the file around them as it is.

XMP is what other programs carry along when they save a picture again, also as another kind.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from PIL import Image

from backend.scene.formats.png_blocks import SIGNATURE, insert_chunks
from backend.scene.formats.png_texts import build_text, list_texts

KEYWORD = "XML:com.adobe.xmp"
JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
NAMESPACES: Mapping[str, str] = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "lamina": "urn:lamina:record:1#",
}
LONGEST_JPEG = 65_533 - len(JPEG_HEAD)
"""A segment of a JPEG holds no more; the packet has to fit into one."""
LONGEST = 900_000
"""Of a PNG: Pillow refuses a picture with a text of a megabyte or more."""
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10


def build_packet(properties: Mapping[str, str]) -> bytes:
    """A packet with these properties, by their names with a prefix of ``NAMESPACES``."""
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in NAMESPACES.items())
    lines = "".join(
        f"<{name}>{escape(value)}</{name}>\n" for name, value in properties.items() if value
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        f'<rdf:RDF {spaces}>\n<rdf:Description rdf:about="">\n{lines}'
        '</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def find_packets(content: bytes) -> tuple[bytes, ...]:
    """The packets of a PNG, JPEG or WebP, in the order in which they stand; damaged files have
    none.
    """
    if content.startswith(SIGNATURE):
        return tuple(text.encode() for name, text in list_texts(content) if name == KEYWORD)
    if content[:2] == b"\xff\xd8":
        return tuple(
            body[len(JPEG_HEAD) :]
            for kind, body in list_segments(content)
            if kind == 0xE1 and body.startswith(JPEG_HEAD)
        )
    return tuple(body for kind, body in list_riff_chunks(content) if kind == b"XMP ")


def read_properties(packet: bytes, name: str) -> tuple[str, ...]:
    """The values of a property in a packet, as an element or an attribute; none where the packet
    cannot be read.
    """
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return ()
    prefix, _, local = name.partition(":")
    tag = f"{{{NAMESPACES[prefix]}}}{local}"
    resource = f"{{{NAMESPACES['rdf']}}}resource"
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError, RecursionError):
        return ()
    values: list[str] = []
    for element in root.iter():
        if tag in element.attrib:
            values.append(element.attrib[tag])
        if element.tag == tag:
            values.append(element.attrib.get(resource) or "".join(element.itertext()).strip())
    return tuple(values)


def insert_packet(content: bytes, packet: bytes) -> bytes:
    """The PNG, JPEG or WebP with the packet; ValueError for another kind, or a packet that is too
    long for it.
    """
    if content.startswith(SIGNATURE) and len(packet) <= LONGEST:
        return insert_chunks(content, early=build_text(KEYWORD, packet.decode()))
    if content[:2] == b"\xff\xd8" and len(packet) <= LONGEST_JPEG:
        return _insert_into_jpeg(content, packet)
    if content[8:12] == b"WEBP":
        return _insert_into_webp(content, packet)
    raise ValueError("a packet cannot be put into this file")


def list_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of the segments of a JPEG before its pixels."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        kind = content[at + 1]
        if kind == 0xFF:  # a fill byte
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if kind == 0xDA or length < 2:
            return
        yield kind, content[at + 4 : at + 2 + length]
        at += 2 + length


def list_riff_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of the chunks of a WebP."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return
    at = 12
    while at + 8 <= len(content):
        (length,) = struct.unpack("<I", content[at + 4 : at + 8])
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _insert_into_jpeg(content: bytes, packet: bytes) -> bytes:
    """After the head of JFIF, which has to come first."""
    at = 2
    if content[2:4] == b"\xff\xe0":
        at += 2 + int.from_bytes(content[4:6], "big")
    body = JPEG_HEAD + packet
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    return content[:at] + segment + content[at:]


def _insert_into_webp(content: bytes, packet: bytes) -> bytes:
    """Into the extended form, which a plain file is brought to."""
    chunks = list(list_riff_chunks(content))
    if chunks[0][0] == b"VP8X":
        head = bytes([chunks[0][1][0] | _XMP_FLAG]) + chunks[0][1][1:]
        chunks = chunks[1:]
    else:
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as image:
            (width_px, height_px), has_alpha = image.size, image.mode == "RGBA"
        flags = _XMP_FLAG | (_ALPHA_FLAG if has_alpha else 0)
        head = bytes([flags, 0, 0, 0])
        head += (width_px - 1).to_bytes(3, "little") + (height_px - 1).to_bytes(3, "little")
    body = b"".join(
        kind + len(part).to_bytes(4, "little") + part + b"\0" * (len(part) % 2)
        for kind, part in ((b"VP8X", head), *chunks, (b"XMP ", packet))
    )
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
