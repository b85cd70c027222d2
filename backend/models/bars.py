"""The libraries of networks draw bars on the terminal while they load; the terminal belongs to our
own.
"""

from __future__ import annotations


def hide_bars() -> None:
    """Turn the loading bars of diffusers and transformers off in this process (a spawned one has to
    call it again).
    """
    from diffusers.utils.logging import disable_progress_bar as hide_those_of_diffusers
    from transformers.utils.logging import disable_progress_bar as hide_those_of_transformers

    hide_those_of_diffusers()
    hide_those_of_transformers()
