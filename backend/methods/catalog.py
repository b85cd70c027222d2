"""The methods that can be asked for, by id. Listing them imports no network library; running one
imports its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.collage import CollageOptions
from backend.methods.options.layout_retouch import RetouchOptions
from backend.methods.options.move import MoveOptions
from backend.methods.options.tcig import TcigOptions
from backend.plan.plan import Plan
from backend.plan.request import OptionValue
from backend.scene.formats.blobs import Contents
from backend.scene.records import Record

if TYPE_CHECKING:
    from backend.engine.loop_types import Run
    from backend.models.bundle import ModelBundle


@dataclass(frozen=True)
class Method:
    """A paper: a generator of Steps and Images, and the type of its options.

    The generator is the function ``run(plan, bundle, pixels)`` of the module
    ``backend.methods.<module>``. ``stage1``: it works in two stages, tells of the first one's
    pictures (Stage1Images), and goes on from a plan's ``stage1``. ``ignores``: what of a layer it
    does not read (``plan/notes.py``).
    """

    id: str
    title: str
    Options: type[Record]
    module: str
    stage1: bool = field(default=False, kw_only=True)
    ignores: tuple[str, ...] = field(default=(), kw_only=True)

    def run(self, plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
        """Steps, then Images; nothing is computed before the first is asked for."""
        made: Run = import_module(f"backend.methods.{self.module}").run(plan, bundle, pixels)
        return made


def _by_id(*methods: Method) -> Mapping[str, Method]:
    return MappingProxyType({method.id: method for method in methods})


_UNREAD_BY_TCIG = ("embedding", "structure", "strength_map", "prompt_range", "seed")

METHODS = _by_id(
    Method("collage", "Collage Diffusion", CollageOptions, "collage"),
    Method("tcig", "TCIG", TcigOptions, "tcig", stage1=True, ignores=_UNREAD_BY_TCIG),
    Method("layout_retouch", "Layout-and-Retouch", RetouchOptions, "layout_retouch"),
)

TASKS = _by_id(
    Method("textual_inversion", "Learned looks", Record, "textual_inversion"),
    Method("decompose", "Decompose into layers", Record, "decompose"),
)
"""What makes something else than pictures: chosen by a plan's task, never by a person."""

EDITS = _by_id(Method("move", "Move and heal", MoveOptions, "move"))
"""What is done to a finished picture by a gesture: asked for by id, not offered among the
methods of a run.
"""

RUNNABLE: Mapping[str, Method] = MappingProxyType({**METHODS, **EDITS, **TASKS})


def method_of(method_id: str) -> Method:
    """The method of that id, or a RequestError that names the methods there are."""
    if method_id not in RUNNABLE:
        raise RequestError(
            f"There is no method {method_id!r}.",
            limit=f"Known are {', '.join(METHODS)}.",
            remedy="Choose one of these.",
        )
    return RUNNABLE[method_id]


def check_options(method_id: str, options: Mapping[str, OptionValue]) -> None:
    """A RequestError when the method is unknown or one of its options is unknown or out of
    range.
    """
    parse_options(method_of(method_id).Options, options)
