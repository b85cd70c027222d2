"""What a model can be used for, what each use needs beside the model itself, and what it lacks."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from backend.models.members import MemberName
from backend.studio.storage.records import Ability

Group = tuple[MemberName, ...]
SEGMENTERS: Group = ("guide", "deeplab", "clipseg")


@dataclass(frozen=True)
class Use:
    """A use of a model.

    Attributes:
        id: of the method, or of a tool of the page.
        title: for people.
        needs: members without which it cannot be done, of each group one.
        better_with: members that make it better, of each group one.
    """

    id: str
    title: str
    needs: tuple[Group, ...] = ()
    better_with: tuple[Group, ...] = ()


USES = (
    Use("collage", "Collage Diffusion"),
    Use(
        "structure",
        "Holding edges and depth",
        needs=(("controlnet", "controlnet_soft_edges", "controlnet_depth"),),
    ),
    Use("tcig", "TCIG", needs=(("vqgan",), ("clip",), SEGMENTERS)),
    Use("layout_retouch", "Layout-and-Retouch"),
    Use("move", "Move and heal", better_with=(("sam",),)),
    Use("select", "Selecting objects", needs=(("sam",),)),
    Use(
        "decompose",
        "Decompose into layers",
        better_with=(("sam",), ("clip",), SEGMENTERS),
    ),
    Use("scores", "Scores of candidates", needs=(("clip", *SEGMENTERS),), better_with=(("sam",),)),
    Use("preview", "Quick previews", needs=(("preview",),)),
    Use("few_steps", "Quick pictures in 4 steps", needs=(("unet_lcm",),)),
)


def list_abilities(members: Container[MemberName]) -> tuple[Ability, ...]:
    """What a model with these members can be used for."""
    return tuple(
        Ability(
            id=use.id,
            title=use.title,
            lacks=_list_missing(use.needs, members),
            better_with=_list_missing(use.better_with, members),
        )
        for use in USES
    )


def _list_missing(groups: tuple[Group, ...], members: Container[MemberName]) -> tuple[str, ...]:
    missing = [group for group in groups if not any(name in members for name in group)]
    return tuple(" or ".join(group) for group in missing)
