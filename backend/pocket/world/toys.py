"""The sixteen toys as lists of parts, drawn from back to front in the unit box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.pocket.world.shapes import (
    Outline,
    Point,
    band,
    box,
    ellipse,
    heart,
    polygon,
    rays,
    round_corners,
    smooth,
    turn_points,
)

Rgb = tuple[int, int, int]

CREAM: Rgb = (255, 246, 226)
INK: Rgb = (58, 42, 66)
WOOD: Rgb = (140, 92, 62)
GLASS: Rgb = (186, 226, 244)
LAMP: Rgb = (255, 226, 128)
STEEL: Rgb = (206, 210, 222)
TYRE: Rgb = (66, 60, 78)
COFFEE: Rgb = (104, 62, 40)
LEAF: Rgb = (92, 158, 78)
BLUSH: Rgb = (244, 148, 150)
FLOWER_HEART = np.array([0.0, -0.26])
STAR_CENTRE = np.array([0.0, 0.06])


@dataclass(frozen=True)
class ToyPart:
    """One piece of a toy.

    ``paint``: "body" (the object's colour and texture), "tint" (its colour alone) or a fixed
    colour. ``tone``: above 1 brighter, below 1 darker than the paint. ``relief``: 0 (flat) to 1
    (round) is how strongly the light shapes it.
    """

    outlines: tuple[Outline, ...]
    paint: str | Rgb = "body"
    tone: float = 1.0
    relief: float = 1.0
    cuts: tuple[Outline, ...] = ()


def flat(outline: Outline, paint: str | Rgb, tone: float = 1.0) -> ToyPart:
    """A painted detail that takes no light of its own."""
    return ToyPart((outline,), paint, tone, 0.0)


def face(x: float, y: float, span: float, eye: float = 0.075) -> tuple[ToyPart, ...]:
    """Two eyes with a spark, a smile and rosy cheeks; ``span`` = half the distance of the eyes."""
    parts = [
        flat(ellipse(x + side * span * 1.75, y + span * 0.62, eye * 1.05, eye * 0.7), BLUSH)
        for side in (-1, 1)
    ]
    for side in (-1, 1):
        parts.append(flat(ellipse(x + side * span, y, eye, eye * 1.3), INK))
        parts.append(flat(ellipse(x + side * span - eye * 0.3, y - eye * 0.5, eye * 0.36), CREAM))
    smile = [
        (x - span * 0.5, y + span * 0.45),
        (x, y + span * 0.85),
        (x + span * 0.5, y + span * 0.45),
    ]
    return (*parts, flat(band(smile, 0.055), INK))


def ball() -> tuple[ToyPart, ...]:
    """A beach ball: a broad cream belt and a button."""
    belt = smooth(
        [
            (-0.88, -0.06),
            (-0.4, 0.16),
            (0.2, 0.2),
            (0.9, -0.04),
            (0.84, 0.3),
            (0.2, 0.56),
            (-0.4, 0.52),
            (-0.82, 0.3),
        ]
    )
    return (
        ToyPart((ellipse(0, 0, 0.93),)),
        ToyPart((belt,), CREAM, relief=0.25),
        ToyPart((ellipse(-0.2, -0.62, 0.17, 0.11, -14),), CREAM, relief=0.3),
    )


def cube() -> tuple[ToyPart, ...]:
    """A wooden block seen from a corner."""
    top = polygon([(0, -0.94), (0.84, -0.5), (0, -0.06), (-0.84, -0.5)])
    left = polygon([(-0.84, -0.5), (0, -0.06), (0, 0.94), (-0.84, 0.48)])
    right = polygon([(0.84, -0.5), (0, -0.06), (0, 0.94), (0.84, 0.48)])
    edges: list[list[Point]] = [
        [(0, -0.06), (0, 0.94)],
        [(0, -0.06), (-0.84, -0.5)],
        [(0, -0.06), (0.84, -0.5)],
    ]
    return (
        ToyPart((top,), tone=1.16, relief=0.1),
        ToyPart((left,), tone=0.96, relief=0.1),
        ToyPart((right,), tone=0.74, relief=0.1),
        *(flat(band(edge, 0.05), "tint", 1.25) for edge in edges),
    )


def star() -> tuple[ToyPart, ...]:
    """Five round-tipped rays and a friendly face."""
    return (ToyPart((round_corners(rays(5, 1.0, 0.47) + STAR_CENTRE, 0.12),)), *face(0, 0.0, 0.17))


def heart_() -> tuple[ToyPart, ...]:
    """A glossy heart."""
    gloss = ellipse(-0.48, -0.4, 0.2, 0.12, -40)
    return (
        ToyPart((heart(0.96),)),
        flat(gloss, CREAM),
        flat(ellipse(-0.68, -0.12, 0.07, 0.07), CREAM),
    )


def house() -> tuple[ToyPart, ...]:
    """Coloured walls under a darker roof, a chimney, a door and a lit window."""
    roof = round_corners(
        [(0, -0.96), (0.96, -0.12), (0.82, 0.04), (-0.82, 0.04), (-0.96, -0.12)], 0.08
    )
    return (
        ToyPart((box(0.38, -0.86, 0.62, -0.3, 0.03),), (178, 96, 82), relief=0.5),
        ToyPart((box(-0.7, -0.14, 0.7, 0.93, 0.05),), relief=0.4),
        ToyPart((roof,), "tint", 0.66, 0.7),
        ToyPart((box(-0.46, 0.3, -0.06, 0.93, 0.1),), WOOD, relief=0.4),
        flat(ellipse(-0.14, 0.62, 0.045), LAMP),
        ToyPart((box(0.1, 0.26, 0.54, 0.66, 0.04),), LAMP, relief=0.2),
        flat(polygon([(0.295, 0.26), (0.345, 0.26), (0.345, 0.66), (0.295, 0.66)]), CREAM),
        flat(polygon([(0.1, 0.435), (0.54, 0.435), (0.54, 0.485), (0.1, 0.485)]), CREAM),
        ToyPart((ellipse(0, -0.4, 0.14),), LAMP, relief=0.2),
    )


def tree() -> tuple[ToyPart, ...]:
    """A fir of three tiers on a short trunk."""

    def tier(top: float, low: float, half: float) -> Outline:
        return round_corners(
            [
                (0, top),
                (half, low),
                (half * 0.5, low + 0.1),
                (0, low + 0.04),
                (-half * 0.5, low + 0.1),
                (-half, low),
            ],
            0.12,
        )

    return (
        ToyPart((box(-0.14, 0.55, 0.14, 0.97, 0.05),), WOOD),
        ToyPart((tier(-0.1, 0.58, 0.8),), tone=0.88),
        ToyPart((tier(-0.55, 0.18, 0.64),), tone=0.96),
        ToyPart((tier(-1.0, -0.24, 0.46),), tone=1.06),
    )


def fish() -> tuple[ToyPart, ...]:
    """A round fish that looks to the left."""
    tail = smooth(
        [(0.42, 0.0), (0.7, -0.38), (0.98, -0.52), (0.86, 0.0), (0.98, 0.52), (0.7, 0.38)]
    )
    fin = smooth([(-0.25, -0.42), (0.05, -0.8), (0.38, -0.74), (0.4, -0.3), (0.1, -0.3)])
    gill = band([(-0.34, -0.36), (-0.2, 0.02), (-0.34, 0.38)], 0.05)
    return (
        ToyPart((tail, fin), "tint", 0.82),
        ToyPart(
            (
                smooth(
                    [
                        (-0.97, 0.05),
                        (-0.7, -0.4),
                        (-0.15, -0.56),
                        (0.35, -0.36),
                        (0.64, 0.02),
                        (0.35, 0.4),
                        (-0.15, 0.58),
                        (-0.7, 0.44),
                    ]
                ),
            )
        ),
        flat(gill, "tint", 0.62),
        ToyPart((smooth([(-0.08, 0.08), (0.26, 0.2), (0.2, 0.42), (-0.06, 0.3)]),), "tint", 0.82),
        flat(ellipse(-0.6, -0.1, 0.15), CREAM),
        flat(ellipse(-0.63, -0.09, 0.085), INK),
        flat(ellipse(-0.66, -0.13, 0.03), CREAM),
        flat(band([(-0.9, 0.16), (-0.78, 0.22), (-0.66, 0.2)], 0.045), INK),
    )


def boat() -> tuple[ToyPart, ...]:
    """A sailing boat: coloured hull and mainsail, a cream jib, a pennant."""
    return (
        ToyPart((box(-0.07, -0.92, 0.03, 0.45, 0.03),), WOOD, relief=0.5),
        ToyPart((round_corners([(0.1, -0.8), (0.86, 0.28), (0.1, 0.28)], 0.08),), relief=0.5),
        ToyPart(
            (round_corners([(-0.14, -0.58), (-0.14, 0.28), (-0.7, 0.28)], 0.08),), CREAM, 0.93, 0.5
        ),
        ToyPart(
            (round_corners([(-0.02, -1.0), (0.36, -0.88), (-0.02, -0.76)], 0.03),),
            "tint",
            relief=0.3,
        ),
        ToyPart(
            (round_corners([(-0.98, 0.38), (0.98, 0.38), (0.68, 0.92), (-0.62, 0.92)], 0.14),),
            relief=0.8,
        ),
        flat(polygon([(-0.93, 0.4), (0.93, 0.4), (0.89, 0.5), (-0.87, 0.5)]), CREAM),
    )


def mug() -> tuple[ToyPart, ...]:
    """A mug of coffee with its handle on the right."""
    return (
        ToyPart(
            (ellipse(0.58, 0.12, 0.4, 0.42),), tone=0.9, cuts=(ellipse(0.58, 0.12, 0.21, 0.23),)
        ),
        ToyPart((round_corners([(-0.78, -0.6), (0.52, -0.6), (0.46, 0.92), (-0.72, 0.92)], 0.2),)),
        ToyPart((ellipse(-0.13, -0.6, 0.66, 0.25),), "tint", 1.2, 0.2),
        flat(ellipse(-0.13, -0.58, 0.55, 0.175), COFFEE),
        flat(ellipse(-0.26, -0.56, 0.2, 0.05, -6), (168, 116, 80)),
    )


def mushroom() -> tuple[ToyPart, ...]:
    """A spotted cap on a pale stem."""
    cap = smooth(
        [
            (-0.97, 0.1),
            (-0.8, -0.46),
            (-0.38, -0.86),
            (0.0, -0.94),
            (0.38, -0.86),
            (0.8, -0.46),
            (0.97, 0.1),
            (0.5, 0.26),
            (0, 0.3),
            (-0.5, 0.26),
        ]
    )
    stem = smooth(
        [(-0.27, 0.1), (0.27, 0.1), (0.3, 0.6), (0.4, 0.9), (0, 0.96), (-0.4, 0.9), (-0.3, 0.6)]
    )
    spots = (
        ellipse(-0.42, -0.3, 0.17, 0.15),
        ellipse(0.14, -0.58, 0.17, 0.13),
        ellipse(0.52, -0.12, 0.15, 0.13),
    )
    return (
        ToyPart((stem,), CREAM),
        flat(ellipse(0, 0.2, 0.46, 0.09), (214, 190, 166)),
        ToyPart((cap,)),
        *(ToyPart((spot,), CREAM, relief=0.3) for spot in spots),
        flat(ellipse(-0.12, 0.55, 0.045, 0.065), INK),
        flat(ellipse(0.12, 0.55, 0.045, 0.065), INK),
    )


def car() -> tuple[ToyPart, ...]:
    """A small car from the side, heading left."""
    shell = round_corners(
        [
            (-0.98, 0.5),
            (-0.95, 0.06),
            (-0.6, -0.06),
            (-0.36, -0.56),
            (0.44, -0.56),
            (0.74, -0.04),
            (0.98, 0.06),
            (0.98, 0.5),
        ],
        0.17,
    )
    wheels = []
    for x in (-0.54, 0.54):
        wheels += [
            ToyPart((ellipse(x, 0.48, 0.29),), TYRE, relief=0.6),
            ToyPart((ellipse(x, 0.48, 0.13),), STEEL, relief=0.5),
        ]
    return (
        ToyPart((shell,)),
        ToyPart(
            (round_corners([(-0.44, -0.06), (-0.26, -0.43), (0.0, -0.43), (0.0, -0.06)], 0.06),),
            GLASS,
            relief=0.2,
        ),
        ToyPart(
            (round_corners([(0.1, -0.06), (0.1, -0.43), (0.36, -0.43), (0.56, -0.06)], 0.06),),
            GLASS,
            relief=0.2,
        ),
        flat(ellipse(-0.88, 0.16, 0.07, 0.09), LAMP),
        flat(band([(0.06, 0.06), (0.06, 0.36)], 0.035), "tint", 0.66),
        flat(box(0.14, 0.06, 0.3, 0.115, 0.02), "tint", 0.6),
        *wheels,
    )


def flower() -> tuple[ToyPart, ...]:
    """Six petals round a honey-brown heart, on a leafy stem."""
    petals = tuple(
        turn_points(ellipse(0, -0.44, 0.235, 0.3), 60 * k) + FLOWER_HEART for k in range(6)
    )
    leaf = smooth([(0.02, 0.86), (0.2, 0.56), (0.62, 0.48), (0.46, 0.8)])
    return (
        ToyPart(
            (band([(0, -0.1), (0.03, 0.5), (0, 0.98)], 0.11), leaf, leaf * (-1, 1) + (0, 0.04)),
            LEAF,
            relief=0.6,
        ),
        *(ToyPart((petal,), relief=0.8) for petal in petals),
        ToyPart((ellipse(0, -0.26, 0.235),), (186, 118, 52)),
        flat(ellipse(-0.07, -0.33, 0.06, 0.045), (230, 172, 96)),
    )


def moon() -> tuple[ToyPart, ...]:
    """A sleepy crescent, open to the right."""
    return (
        ToyPart((ellipse(-0.06, 0, 0.95),), cuts=(ellipse(0.42, -0.1, 0.72),)),
        flat(band([(-0.68, -0.14), (-0.59, -0.06), (-0.5, -0.14)], 0.055), INK),
        flat(band([(-0.5, 0.2), (-0.4, 0.26), (-0.28, 0.2)], 0.05), INK),
        flat(ellipse(-0.7, 0.14, 0.1, 0.07), BLUSH),
    )


def cloud() -> tuple[ToyPart, ...]:
    """Four puffs on a flat floor, with a face."""
    puffs = (
        ellipse(-0.58, 0.24, 0.4),
        ellipse(-0.2, -0.2, 0.48),
        ellipse(0.34, -0.06, 0.38),
        ellipse(0.66, 0.32, 0.33),
        box(-0.7, 0.1, 0.7, 0.65, 0.2),
    )
    return (ToyPart(puffs), *face(0, 0.14, 0.19, 0.07))


def cat() -> tuple[ToyPart, ...]:
    """A sitting cat with a big head and a curled tail."""
    ears = tuple(
        round_corners([(s * 0.58, -0.98), (s * 0.62, -0.38), (s * 0.12, -0.62)], 0.07)
        for s in (-1, 1)
    )
    inner = tuple(
        round_corners([(s * 0.51, -0.8), (s * 0.53, -0.5), (s * 0.28, -0.6)], 0.05) for s in (-1, 1)
    )
    whiskers = tuple(
        band([(s * 0.34, y), (s * 0.74, y + slope)], 0.03)
        for s in (-1, 1)
        for y, slope in ((-0.18, -0.05), (-0.1, 0.06))
    )
    return (
        ToyPart((band([(0.3, 0.8), (0.74, 0.76), (0.86, 0.42), (0.72, 0.16)], 0.2),), tone=0.86),
        ToyPart(
            (
                smooth(
                    [
                        (0, -0.1),
                        (0.42, 0.2),
                        (0.56, 0.7),
                        (0.42, 0.95),
                        (0, 0.97),
                        (-0.42, 0.95),
                        (-0.56, 0.7),
                        (-0.42, 0.2),
                    ]
                ),
            )
        ),
        ToyPart((ellipse(0, 0.62, 0.23, 0.28),), CREAM, relief=0.2),
        ToyPart(ears, relief=0.6),
        *(flat(ear, BLUSH) for ear in inner),
        ToyPart((ellipse(0, -0.3, 0.62, 0.5),)),
        ToyPart((ellipse(0, -0.12, 0.24, 0.16),), CREAM, relief=0.1),
        *(flat(ellipse(s * 0.27, -0.34, 0.1, 0.13), INK) for s in (-1, 1)),
        *(flat(ellipse(s * 0.27 - 0.03, -0.39, 0.036), CREAM) for s in (-1, 1)),
        flat(round_corners([(-0.07, -0.2), (0.07, -0.2), (0, -0.11)], 0.03), BLUSH, 0.85),
        *(flat(whisker, INK) for whisker in whiskers),
    )


def rocket() -> tuple[ToyPart, ...]:
    """A rocket on its way up: porthole, fins and a flame."""
    flame = smooth([(-0.2, 0.56), (0.2, 0.56), (0.17, 0.8), (0, 1.0), (-0.17, 0.8)])
    hull = smooth(
        [
            (0, -1.0),
            (0.26, -0.66),
            (0.36, -0.2),
            (0.34, 0.3),
            (0.25, 0.62),
            (-0.25, 0.62),
            (-0.34, 0.3),
            (-0.36, -0.2),
            (-0.26, -0.66),
        ]
    )
    nose = smooth(
        [(0, -1.0), (0.19, -0.76), (0.26, -0.58), (0, -0.52), (-0.26, -0.58), (-0.19, -0.76)]
    )
    return (
        ToyPart((flame,), (255, 150, 54), relief=0.2),
        flat(ellipse(0, 0.7, 0.1, 0.18), LAMP),
        *(
            ToyPart(
                (
                    round_corners(
                        [(s * 0.26, 0.05), (s * 0.68, 0.46), (s * 0.64, 0.8), (s * 0.22, 0.58)], 0.1
                    ),
                ),
                "tint",
                0.72,
            )
            for s in (-1, 1)
        ),
        ToyPart((hull,)),
        ToyPart((nose,), "tint", 0.76),
        ToyPart((ellipse(0, -0.16, 0.2),), STEEL, relief=0.5),
        flat(ellipse(0, -0.16, 0.135), (92, 152, 206)),
        flat(ellipse(-0.05, -0.21, 0.045), CREAM),
    )


TOYS: dict[str, Callable[[], tuple[ToyPart, ...]]] = {
    "ball": ball,
    "cube": cube,
    "star": star,
    "heart": heart_,
    "house": house,
    "tree": tree,
    "fish": fish,
    "boat": boat,
    "mug": mug,
    "mushroom": mushroom,
    "car": car,
    "flower": flower,
    "moon": moon,
    "cloud": cloud,
    "cat": cat,
    "rocket": rocket,
}


def mirror(part: ToyPart) -> ToyPart:
    """The part seen in a mirror; its light is computed afterwards, so it still comes from the upper
    left.
    """
    flip = np.array([-1.0, 1.0])
    return ToyPart(
        tuple(o * flip for o in part.outlines),
        part.paint,
        part.tone,
        part.relief,
        tuple(c * flip for c in part.cuts),
    )
