"""The methods that can be asked for, by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backend.engine.loop_types import Run
from backend.errors import RequestError
from backend.methods import collage, layout_retouch, move, tcig
from backend.methods.baselines import blended, multidiffusion, painted_words, sdedit
from backend.methods.options import OptionFact, facts_of, parse_options
from backend.models.bundle import ModelBundle
from backend.plan.plan import Plan
from backend.plan.request import OptionValue
from backend.scene.layer import Record
from backend.scene.scene import Pixels


@dataclass(frozen=True)
class Method:
    """A paper: a generator of Steps and Pictures, and the type of its options."""

    id: str
    title: str
    Options: type[Record]
    run: Callable[[Plan, ModelBundle, Pixels], Run]


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.id: method
        for method in (
            Method("collage", "Collage Diffusion", collage.CollageOptions, collage.run),
            Method("tcig", "TCIG", tcig.TcigOptions, tcig.run),
            Method("layout_retouch", "Layout-and-Retouch", layout_retouch.RetouchOptions, layout_retouch.run),
        )
    }
)

EDITS: Mapping[str, Method] = MappingProxyType({"move": Method("move", "Move and heal", move.MoveOptions, move.run)})
"""What is done to a finished picture by a gesture: asked for by id, not offered among the methods of a run."""

RUNNABLE: Mapping[str, Method] = MappingProxyType({**METHODS, **EDITS})

BASELINES: Mapping[str, Method] = MappingProxyType(
    {
        method.id: method
        for method in (
            Method("sdedit", "SDEdit from a flat composite", sdedit.SdeditOptions, sdedit.run),
            Method("blended", "Blended Latent Diffusion", blended.BlendedOptions, blended.run),
            Method("multidiffusion", "MultiDiffusion", multidiffusion.MultiDiffusionOptions, multidiffusion.run),
            Method("painted-words", "Paint-with-words", painted_words.PaintedWordsOptions, painted_words.run),
        )
    }
)
"""What the papers compare themselves with: for evaluations, not offered on the desk."""


def method_of(method_id: str) -> Method:
    """The method of that id, or a RequestError that names the methods there are."""
    if method_id not in RUNNABLE:
        raise RequestError(
            f"There is no method {method_id!r}.",
            limit=f"Known are {', '.join(METHODS)}.",
            remedy="Choose one of these.",
        )
    return RUNNABLE[method_id]


def option_fields(method: Method) -> tuple[OptionFact, ...]:
    """The method's options as plain tuples, in the order of a form."""
    return facts_of(method.Options)


def check_options(method_id: str, options: Mapping[str, OptionValue]) -> None:
    """A RequestError when the method is unknown or one of its options is unknown or out of range."""
    parse_options(method_of(method_id).Options, options)
