"""Which device of this machine computes."""

from __future__ import annotations

import torch

from backend.errors import InputError


def choose_device(name: str) -> str:
    """torch's name of the device meant by "auto", "cpu" or "cuda"; an InputError when there is no
    GPU to be had.
    """
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise InputError(
            "The device cuda was asked for.",
            limit="torch finds no GPU here.",
            remedy="Use --device cpu.",
        )
    return "cuda" if name != "cpu" and present else "cpu"
