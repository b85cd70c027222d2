"""Every error that a person may meet: what happened (with its value), the limit, the remedy.

LaminaError
├── InputError            something that was handed in cannot be used
│   ├── PictureError      a picture file: format, size, damage
│   ├── SceneError        a scene record: a field out of range, two layers with one id
│   ├── ArchiveError      an .ora file: damage, too many members, too large
│   └── RequestError      a generation request: steps, guidance, seed, an unknown layer
├── ModelError            a model folder: missing, incomplete, pickled weights
├── EngineError           the loop: no finite picture came out, out of memory
├── StoreError            the studio's store: unknown id, disk full
│   └── StaleRevision     somebody saved a newer revision of this scene
└── RefusedError          a door stays shut: host, origin, path, size of a body
"""

from __future__ import annotations


class LaminaError(Exception):
    """A refusal in three parts: ``what`` (with its value), ``limit`` (may be empty), ``remedy``."""

    def __init__(self, what: str, *, remedy: str, limit: str = "") -> None:
        self.what = what
        self.limit = limit
        self.remedy = remedy
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The three parts as one line for a person."""
        return " ".join(part for part in (self.what, self.limit, self.remedy) if part)


class InputError(LaminaError):
    """Something that was handed in cannot be used."""


class PictureError(InputError):
    """A picture file cannot be used."""


class SceneError(InputError):
    """A scene record breaks a rule of the document."""


class ArchiveError(InputError):
    """An OpenRaster archive cannot be used."""


class RequestError(InputError):
    """A generation request cannot be carried out."""


class ModelError(LaminaError):
    """A model folder is missing, incomplete or not to be trusted."""


class EngineError(LaminaError):
    """The loop produced no usable picture."""


class StoreError(LaminaError):
    """The studio's store does not hold, or cannot take, what was asked."""


class StaleRevision(StoreError):
    """A newer revision of this scene was saved by somebody else; ``current`` is its number."""

    def __init__(self, sent: int, current: int) -> None:
        self.current = current
        super().__init__(
            f"This page holds revision {sent} of the scene.",
            limit=f"Revision {current} was saved from another page.",
            remedy="Load the newer one, or save yours as a copy.",
        )


class RefusedError(LaminaError):
    """A request that the server does not answer."""
