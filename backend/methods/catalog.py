"""The methods that can be asked for, by id. Listing them imports no network library; running one
imports its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from backend.scene.blobs import Contents
from backend.scene.records import Record

if TYPE_CHECKING:
    from backend.engine.loop_types import Run
    from backend.models.bundle import ModelBundle


@dataclass(frozen=True)
class Method:
    """A paper: a generator of Steps and Images, and the type of its options.

    Attributes:
        run: (plan, bundle, contents) to the generator; nothing is computed before its first item
            is asked for.
        stage1: it works in two stages, yields the first one's pictures (Stage1Images), and goes on
            from a plan's ``stage1``.
        ignores: what of a layer it does not read (``plan/notes.py``).
        prompt_alone: a whole picture comes from the prompt alone: it reads no layer.
    """

    id: str
    title: str
    Options: type[Record]
    run: Callable[[Plan, ModelBundle, Contents], Run]
    stage1: bool = field(default=False, kw_only=True)
    ignores: tuple[str, ...] = field(default=(), kw_only=True)
    prompt_alone: bool = field(default=False, kw_only=True)


# A method's networks are imported when it first runs: a list of methods must not wait for them.


def _run_collage(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.engine.crop import run_window
    from backend.methods import collage

    return run_window(collage.run, plan, bundle, pixels)


def _run_tcig(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.methods import tcig

    return tcig.run(plan, bundle, pixels)


def _run_layout_retouch(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.methods import layout_retouch

    return layout_retouch.run(plan, bundle, pixels)


def _run_textual_inversion(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.methods import textual_inversion

    return textual_inversion.run(plan, bundle, pixels)


def _run_decompose(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.methods import decompose

    return decompose.run(plan, bundle, pixels)


def _run_move(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    from backend.methods import move

    return move.run(plan, bundle, pixels)


def _by_id(*methods: Method) -> Mapping[str, Method]:
    return MappingProxyType({method.id: method for method in methods})


_UNREAD_BY_TCIG = ("embedding", "structure", "strength_map", "prompt_range", "seed", "loras")

METHODS = _by_id(
    Method("collage", "Collage Diffusion", CollageOptions, _run_collage),
    Method("tcig", "TCIG", TcigOptions, _run_tcig, stage1=True, ignores=_UNREAD_BY_TCIG),
    Method(
        "layout_retouch",
        "Layout-and-Retouch",
        RetouchOptions,
        _run_layout_retouch,
        prompt_alone=True,
    ),
)

TASKS = _by_id(
    Method("textual_inversion", "Learned looks", Record, _run_textual_inversion),
    Method("decompose", "Decompose into layers", Record, _run_decompose),
)
"""What makes something else than pictures: chosen by a plan's task, never by a person."""

EDITS = _by_id(Method("move", "Move and heal", MoveOptions, _run_move))
"""What is done to a finished picture by a gesture: asked for by id, not offered among the
methods of a run.
"""

RUNNABLE: Mapping[str, Method] = MappingProxyType({**METHODS, **EDITS, **TASKS})


def method_of(method_id: str) -> Method:
    """The method of an id.

    Args:
        method_id: of a method, an edit or a task.

    Raises:
        RequestError: there is none; the sentence names those there are.
    """
    if method_id not in RUNNABLE:
        raise RequestError(
            f"There is no method {method_id!r}.",
            limit=f"Known are {', '.join(METHODS)}.",
            remedy="Choose one of these.",
        )
    return RUNNABLE[method_id]


def check_options(method_id: str, options: Mapping[str, OptionValue]) -> None:
    """See to it that a method takes these options.

    Args:
        method_id: of the method.
        options: by name.

    Raises:
        RequestError: the method is unknown, or an option is unknown or out of range.
    """
    parse_options(method_of(method_id).Options, options)
