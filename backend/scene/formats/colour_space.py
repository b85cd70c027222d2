"""Colour spaces by their curves and primaries: what a file's numbers mean, and the same in sRGB.

A space is read from an ICC profile (ICC.1:2022), from a PNG's gAMA and cHRM, or from its cICP (PNG
Third Edition, 4.3); where they leave a choice, it is as Chromium shows the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.arrays import Floats, Picture

SAMPLES = 65536
STRIP_PX = 128
OUTSIDE = 0.01
"""How far a linear value may be below 0 or above 1 and still count as within sRGB."""

_XYZ_TO_SRGB = np.linalg.inv(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
"""From XYZ under D50, in which profiles state primaries, to linear sRGB."""
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_D50 = np.array([0.9642, 1.0, 0.8249])
_SRGB_CORNERS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_CORNERS: Mapping[int, tuple[float, ...]] = MappingProxyType(
    {
        1: _SRGB_CORNERS,
        9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
        12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    }
)
"""White, red, green, blue (x, y) of the primaries that cICP numbers."""
_NAMES: Mapping[int, str] = MappingProxyType({1: "BT.709", 9: "BT.2020", 12: "Display P3"})
_GAMMAS: Mapping[int, float] = MappingProxyType(
    {1: 2.4, 4: 2.2, 5: 2.8, 6: 2.4, 8: 1.0, 14: 2.4, 15: 2.4}
)
"""The curves of cICP that are powers; those of video are shown as a screen shows them (BT.1886)."""
_PQ, _HLG, _WHITE_NITS = 16, 18, 203.0


@dataclass(frozen=True, eq=False)
class ColourSpace:
    """``curves`` float32 (3, 65536): linear light 0..1 of each band's values; ``matrix`` (3, 3)
    from that to linear sRGB. ``hdr`` tells that whites brighter than white are cut.
    """

    name: str
    curves: Floats
    matrix: NDArray[np.float64]
    hdr: bool = False

    def is_srgb(self) -> bool:
        """Whether no colour of 8 bits moves by more than one level."""
        steps = np.linspace(0, 255, 6).round().astype(np.uint16)
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        greys = np.repeat(np.arange(256, dtype=np.uint16)[None, :, None], 3, axis=2)
        probe = np.concatenate([grid, greys], axis=1)
        moved, _ = self.convert(probe.astype(np.uint8))
        return bool(np.abs(moved.astype(int) - probe).max() <= 1)

    def convert(self, values: NDArray[np.uint8 | np.uint16]) -> tuple[Picture, float]:
        """Values (h, w, 3) of 8 or of 16 bits as sRGB of 8, and the share 0..1 of the pixels that
        lie outside of sRGB and were moved to its edge.
        """
        picture = np.empty(values.shape, np.uint8)
        outside = 0
        for top in range(0, len(values), STRIP_PX):
            strip = values[top : top + STRIP_PX].astype(np.uint16)
            if values.dtype == np.uint8:
                strip *= 257
            light = np.stack([self.curves[band][strip[..., band]] for band in range(3)], axis=-1)
            light = light @ self.matrix.T.astype(np.float32)
            far = (light < -OUTSIDE) | (light > 1 + OUTSIDE)
            outside += int(far.any(axis=-1).sum())
            picture[top : top + STRIP_PX] = _encode(light)
        return picture, outside / max(1, values.shape[0] * values.shape[1])


def read_profile(profile: bytes, name: str) -> ColourSpace | None:
    """The space of an ICC profile of curves and a matrix, or of one curve for grey.

    None for a profile of another kind, or where it cannot be read.
    """
    try:
        tags = _list_tags(profile)
        if b"A2B0" in tags or profile[12:16] == b"abst":
            return None
        if profile[16:20] == b"GRAY":
            return ColourSpace(name, _three(_read_curve(tags[b"kTRC"])), np.eye(3))
        if profile[16:20] != b"RGB " or profile[20:24] != b"XYZ ":
            return None
        curves = [_read_curve(tags[key]) for key in (b"rTRC", b"gTRC", b"bTRC")]
        columns = [_read_xyz(tags[key]) for key in (b"rXYZ", b"gXYZ", b"bXYZ")]
    except (KeyError, ValueError, struct.error, IndexError, OverflowError, ZeroDivisionError):
        return None
    matrix = _XYZ_TO_SRGB @ np.array(columns).T
    table = np.stack(curves).astype(np.float32)
    if not (np.isfinite(table).all() and np.isfinite(matrix).all()):
        return None
    return ColourSpace(name, table, matrix)


def read_gamma(gamma: float, corners: Sequence[float] | None) -> ColourSpace | None:
    """The space of a PNG's gAMA (as a fraction, 0.45455 the usual one) and cHRM (white, red, green,
    blue as x, y); None where they say nothing.
    """
    if not 0.0001 < gamma < 100:
        return None
    if corners is None:
        if abs(gamma - 0.45455) < 0.001:  # the usual value alone stands for sRGB
            return None
        corners = _SRGB_CORNERS
    matrix = _matrix_of(corners)
    if matrix is None:
        return None
    return ColourSpace(f"gamma {1 / gamma:.3g}", _three(_ramp() ** (1 / gamma)), matrix)


def read_code_points(primaries: int, transfer: int) -> ColourSpace | None:
    """The space of a PNG's cICP of full range; None where its numbers are not known here."""
    if primaries not in _CORNERS:
        return None
    matrix = _matrix_of(_CORNERS[primaries])
    curve = _transfer_curve(transfer)
    if matrix is None or curve is None:
        return None
    hdr = {_PQ: " with PQ", _HLG: " with HLG"}.get(transfer, "")
    return ColourSpace(_NAMES[primaries] + hdr, _three(curve), matrix, bool(hdr))


def _transfer_curve(transfer: int) -> NDArray[np.float64] | None:
    ramp = _ramp()
    if transfer in _GAMMAS:
        curve: NDArray[np.float64] = ramp ** _GAMMAS[transfer]
        return curve
    if transfer == 13:
        return _decode_srgb(ramp)
    if transfer == _PQ:  # SMPTE ST 2084
        power = np.asarray(ramp ** (32 / 2523), np.float64)
        light = np.asarray(
            np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power), np.float64
        )
        return np.asarray(light ** (8192 / 1305) * 10000 / _WHITE_NITS)
    if transfer == _HLG:  # BT.2100; white of 203 cd/m² is at 75 %
        low, high = ramp**2 / 3, (np.exp((ramp - 0.55991073) / 0.17883277) + 0.28466892) / 12
        scene = np.where(ramp <= 0.5, low, high)
        return np.asarray(scene**1.2 * 1000 / _WHITE_NITS)
    return None


def _encode(light: Floats) -> Picture:
    """Linear light as bytes of sRGB."""
    light = np.clip(light, 0, 1)
    values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (values * 255 + 0.5).astype(np.uint8)


def _decode_srgb(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _ramp() -> NDArray[np.float64]:
    return np.arange(SAMPLES) / (SAMPLES - 1)


def _three(curve: NDArray[np.float64]) -> Floats:
    return np.repeat(curve[None].astype(np.float32), 3, axis=0)


def _matrix_of(corners: Sequence[float]) -> NDArray[np.float64] | None:
    """From linear values of these primaries to linear sRGB, the white moved as Bradford's."""
    points = np.array(corners, np.float64).reshape(4, 2)
    if not np.isfinite(points).all() or (points[:, 1] <= 0).any():
        return None
    xyz = np.stack([points[:, 0], points[:, 1], 1 - points.sum(axis=1)], axis=1) / points[:, 1:]
    white, columns = xyz[0], xyz[1:].T
    try:
        scaled = columns * np.linalg.solve(columns, white)
        cones = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
        adapted = np.linalg.solve(_BRADFORD, cones @ _BRADFORD @ scaled)
        matrix = np.asarray(_XYZ_TO_SRGB @ adapted, np.float64)
    except np.linalg.LinAlgError:
        return None
    return matrix if np.isfinite(matrix).all() else None


def _list_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > 100:
        raise ValueError("no profile has so many tags")
    tags = {}
    for number in range(count):
        key, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        tags[key] = profile[at : at + size]
    return tags


def _read_xyz(tag: bytes) -> list[float]:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return [value / 65536 for value in struct.unpack_from(">3i", tag, 8)]


def _read_curve(tag: bytes) -> NDArray[np.float64]:
    """Linear light at each of 65536 values: a table, a power, or a formula."""
    ramp = _ramp()
    if tag[:4] == b"para":
        return _read_formula(tag)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return ramp
    entries = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        power: NDArray[np.float64] = ramp ** (entries[0] / 256)
        return power
    return np.interp(ramp, np.linspace(0, 1, count), entries / 65535)


def _read_formula(tag: bytes) -> NDArray[np.float64]:
    """A parametric curve: (a x + b)^g + e from d on, c x + f below."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = (1, 3, 4, 5, 7)[kind]
    numbers = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, rest = numbers[0], numbers[1:]
    a, b, c, d, e, f = _spread_formula(kind, rest)
    ramp = _ramp()
    curved = np.maximum(a * ramp + b, 0) ** g + e
    return np.asarray(np.clip(np.where(ramp >= d, curved, c * ramp + f), 0, 1), np.float64)


def _spread_formula(kind: int, rest: Sequence[float]) -> tuple[float, ...]:
    """a to f of a parametric curve's five kinds, of which the first four leave some out."""
    if kind == 0:
        return 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == 1:
        return rest[0], rest[1], 0.0, -rest[1] / rest[0], 0.0, 0.0
    if kind == 2:
        return rest[0], rest[1], 0.0, -rest[1] / rest[0], rest[2], rest[2]
    if kind == 3:
        return rest[0], rest[1], rest[2], rest[3], 0.0, 0.0
    return tuple(rest)
