"""What the papers compare themselves with, on the same loop, by id: for evaluations, not offered
on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backend.methods.baselines import (
    blended,
    differential,
    multidiffusion,
    painted_words,
    plug_and_play,
    plug_ins,
    sdedit,
)
from backend.methods.catalog import Method

_METHODS = (
    Method("sdedit", "SDEdit from a flat composite", sdedit.SdeditOptions, sdedit.run),
    Method("blended", "Blended Latent Diffusion", blended.BlendedOptions, blended.run),
    Method(
        "multidiffusion",
        "MultiDiffusion",
        multidiffusion.MultiDiffusionOptions,
        multidiffusion.run,
    ),
    Method(
        "painted-words", "Paint-with-words", painted_words.PaintedWordsOptions, painted_words.run
    ),
    Method("plug-and-play", "Plug-and-Play", plug_and_play.PlugAndPlayOptions, plug_and_play.run),
    Method(
        "differential",
        "Differential Diffusion",
        differential.DifferentialOptions,
        differential.run,
    ),
    Method("plug_ins", "Plug-ins of a personalised model", plug_ins.PlugInOptions, plug_ins.run),
)
BASELINES: Mapping[str, Method] = MappingProxyType({method.id: method for method in _METHODS})
