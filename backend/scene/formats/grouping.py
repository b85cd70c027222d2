"""Groups on their way into an OpenRaster stack, and back out of one that other programs may have
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.scene.formats.stack import Stack, StackGroup, printable
from backend.scene.scene import Group, Scene

NAME_LENGTH = 200


def stack_groups(scene: Scene) -> tuple[StackGroup, ...]:
    """The groups of a scene as places in its stack, which has a layer for every layer of the scene,
    in order.
    """
    places = {layer.id: index for index, layer in enumerate(scene.layers)}
    return tuple(
        StackGroup(group.name, places[group.members[0]], places[group.members[-1]])
        for group in scene.groups
    )


def read_groups(
    stack: Stack, ids: Mapping[int, Sequence[str]], known: Sequence[Group] = ()
) -> tuple[Group, ...]:
    """The groups that a stack has now. ``ids`` names the layers that each entry became, by
    its place.

    A group of ``known`` that goes on with one of its layers keeps its id, its place among them, and
    how it is shown; a group without layers is none.
    """
    found: list[Group] = []
    for entry in stack.groups:
        members = tuple(
            one for place in range(entry.first, entry.last + 1) for one in ids.get(place, ())
        )
        if not members:
            continue
        taken = {group.id for group in found}
        old = next(
            (one for one in known if one.id not in taken and set(one.members) & set(members)), None
        )
        if old is None:
            found.append(
                Group(id=_free_id(found, known), name=entry.name[:NAME_LENGTH], members=members)
            )
            continue
        name = old.name if printable(old.name) == entry.name else entry.name[:NAME_LENGTH]
        hid = tuple(one for one in old.hid if one in members)
        found.append(old.model_copy(update={"name": name, "members": members, "hid": hid}))
    order = [group.id for group in known]
    return tuple(
        sorted(found, key=lambda group: order.index(group.id) if group.id in order else len(order))
    )


def _free_id(found: Sequence[Group], known: Sequence[Group]) -> str:
    taken = {group.id for group in (*found, *known)}
    return next(
        name for number in range(1, len(taken) + 2) if (name := f"group-{number}") not in taken
    )
