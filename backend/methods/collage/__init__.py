"""Collage Diffusion (Sarukkai et al., 2023): harmonise a collage without losing its layers.

GH  noise the flat collage and denoise it (section 4.1; SDEdit) CA  layers' words attend to their
regions (section 4.2) LN  each layer has its own noise level (section 4.4) TI  layers with a learned
look have it before their words (section 4.3; learned by ``textual_inversion``) and layers that ask
for it hold on to their structure (section 4.3)

``laying`` reads a plan, ``words`` tells the network of its layers, ``chunk`` runs candidates,
``varied`` those that differ in one layer alone.
"""

from backend.methods.collage.running import run

__all__ = ["run"]
