"""TCIG (2023): paint masks, name them, get a picture that obeys them.

Stage 1  the codes of a VQGAN are fitted to the prompt (CLIP) and to the painted masks (segmenters),
section 3.1
Stage 2  any diffusion model redraws that draft by image-to-image, section 3.2; ours may also hold
every layer's words
         to its mask (region attention), and one dial, freedom, loosens it for masks that are drawn
         roughly

Layers with a picture may stand among the painted ones: they are laid over the draft, and change in
stage 2 as far as their own noise says, as in Collage Diffusion.
"""

from backend.methods.tcig.drawing import run

__all__ = ["run"]
