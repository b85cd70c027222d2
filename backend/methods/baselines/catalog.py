"""What the papers compare themselves with, by id: for evaluations, not offered on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backend.methods.baselines.blended import BlendedOptions
from backend.methods.baselines.differential import DifferentialOptions
from backend.methods.baselines.multidiffusion import MultiDiffusionOptions
from backend.methods.baselines.painted_words import PaintedWordsOptions
from backend.methods.baselines.plug_and_play import PlugAndPlayOptions
from backend.methods.baselines.plug_ins import PlugInOptions
from backend.methods.baselines.sdedit import SdeditOptions
from backend.methods.catalog import Method

BASELINES: Mapping[str, Method] = MappingProxyType(
    {
        method.id: method
        for method in (
            Method("sdedit", "SDEdit from a flat composite", SdeditOptions, "baselines.sdedit"),
            Method("blended", "Blended Latent Diffusion", BlendedOptions, "baselines.blended"),
            Method(
                "multidiffusion",
                "MultiDiffusion",
                MultiDiffusionOptions,
                "baselines.multidiffusion",
            ),
            Method(
                "painted-words", "Paint-with-words", PaintedWordsOptions, "baselines.painted_words"
            ),
            Method("plug-and-play", "Plug-and-Play", PlugAndPlayOptions, "baselines.plug_and_play"),
            Method(
                "differential",
                "Differential Diffusion",
                DifferentialOptions,
                "baselines.differential",
            ),
            Method(
                "plug_ins", "Plug-ins of a personalised model", PlugInOptions, "baselines.plug_ins"
            ),
        )
    }
)
