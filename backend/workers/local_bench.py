"""The bench of this machine: its catalogs, a cache of loaded models, and a worker on its device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from backend.errors import InputError
from backend.models.cache import ModelCache
from backend.models.catalog import find_models
from backend.workers.late import Bench
from backend.workers.local import LocalWorker
from backend.workers.offer import CatalogOffer


def build_bench(models: Sequence[Path], device: str, cache_bytes: int, threads: int) -> Bench:
    """Look up the models and choose the device; nothing is loaded before the first job.

    ``device`` is "auto", "cpu" or "cuda"; ``threads`` 0 leaves torch's own choice. An InputError says that a GPU
    was asked for and there is none.
    """
    if threads:
        torch.set_num_threads(threads)
    chosen = _device(device)
    catalog = find_models(models)
    return Bench(CatalogOffer(catalog, chosen), LocalWorker(catalog, ModelCache(cache_bytes), chosen))


def _device(device: str) -> str:
    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise InputError("The device cuda was asked for.", limit="torch finds no GPU here.", remedy="Use --device cpu.")
    return "cuda" if device != "cpu" and present else "cpu"
