"""The facts of a model, read from its configuration files; no weights are touched."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import ModelError
from backend.models.folder import (
    check_folder,
    explain_loading,
    has_second_text,
    list_weights,
    read_json,
)
from backend.models.licence import read_licence
from backend.models.members import MemberCard, MemberName, judge_members
from backend.models.single_file import END, START, SingleFile, read_single_file
from backend.models.weight_files import find_weights
from backend.models.word_embedding import WordEmbedding
from backend.plan.card import TokenSpan

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

ABOUT, LONGEST_KNOWS = "about.json", 120
STRENGTHS = ("light_only", "picture_strength", "flat_strength")
"""What ``about.json`` may say in fractions."""
USUAL_STRENGTH = 0.6
PREDICTION_TYPES = ("epsilon", "v_prediction")
MAX_SIDE_PX = 8192
CLIP_LENGTH = 77
NO_LIMIT = 1_000_000  # tokenizers without a length write a number of thirty digits


@dataclass(frozen=True)
class ModelCard:
    """What a plan and a loader must know of a model; satisfies :class:`backend.plan.card.Card`.

    Attributes:
        id: unique among the models that are present.
        title: for people.
        folder: where its files lie.
        single_file: the single file that it is, if it is one; it lies in ``folder``.
        words_widths: how many numbers a token has in each text encoder.
        embeddings: of words, that were found beside the models, of whatever widths.
        native_px: side of the square that it was trained on.
        cell_px: pixels per latent cell along a side.
        size_multiple_px: what the sides of pictures must be divisible by.
        text_length: the token row, with begin and end.
        prediction_type: what the UNet predicts, in the words of the scheduler's file.
        weights: number of parameters in the networks' files.
        family: "sd" or "sdxl".
        zero_empty: an empty text is all zeros, not the encoders' view of nothing.
        knows: in a few words what it can draw, where its folder says so; "" for a model of
            everything.
        light_only: up to which strength it may change light and colour, not forms; 0 for a model
            whose fine detail is as good as a canvas's.
        picture_strength: what a new layer with a detailed picture begins with.
        flat_strength: what a new layer of one plain colour begins with.
        scheduler: configuration of its noise schedule.
        members: the family's other networks.
        refused_members: why others that lie there cannot be used.
        size_bytes: of the networks' files.
        licence: as the folder names it; "" where it does not.
    """

    id: str
    title: str
    folder: Path
    native_px: int
    cell_px: int
    size_multiple_px: int
    text_length: int
    prediction_type: str
    weights: int
    family: str = "sd"
    zero_empty: bool = False
    knows: str = ""
    light_only: float = 0.0
    picture_strength: float = USUAL_STRENGTH
    flat_strength: float = USUAL_STRENGTH
    scheduler: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    members: Mapping[MemberName, MemberCard] = field(
        default_factory=dict, repr=False, compare=False
    )
    refused_members: Mapping[MemberName, ModelError] = field(
        default_factory=dict, repr=False, compare=False
    )
    size_bytes: int = 0
    licence: str = ""
    single_file: SingleFile | None = field(default=None, repr=False)
    words_widths: tuple[int, ...] = ()
    embeddings: tuple[WordEmbedding, ...] = field(default=(), repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The model's folder, or its single file."""
        return self.folder if self.single_file is None else self.single_file.path

    def load_tokenizer(self, part: str = "tokenizer") -> CLIPTokenizer:
        """A tokenizer of the model; the same object for every caller.

        Args:
            part: "tokenizer", or XL's "tokenizer_2".

        Raises:
            ModelError: it cannot be read.
        """
        if self.single_file is None:
            return load_tokenizer(self.folder, part)
        return build_clip_tokenizer(self.single_file.paddings[part])

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        """Where the tokens of a text stand.

        Args:
            text: any length; it is not truncated.

        Returns:
            Characters and row position of each token; the first word stands at 1.

        Raises:
            ModelError: the tokenizer cannot be read.
        """
        encoded = self.load_tokenizer()(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        offsets = encoded["offset_mapping"]
        return tuple(
            TokenSpan(start, end, position)
            for position, (start, end) in enumerate(offsets, start=1)
        )


def read_card(folder: Path, model_id: str, title: str) -> ModelCard:
    """The card of a folder in Stable Diffusion's diffusers layout.

    Args:
        folder: the model's.
        model_id: the id it shall have.
        title: for people.

    Raises:
        ModelError: something is missing, not to be trusted, or of another family.
    """
    if not folder.is_dir():
        raise ModelError(
            f"There is no model folder {folder.name!r}.",
            remedy="Correct the path in the settings, or copy it there.",
        )
    index = check_folder(folder)
    try:
        return _build_card(folder, index, model_id, title)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise ModelError(
            f"The configuration files of {folder.name} cannot be understood ({error!r:.120}).",
            remedy="Copy the model folder again, with all its files.",
        ) from None


def _build_card(folder: Path, index: dict[str, Any], model_id: str, title: str) -> ModelCard:
    unet, vae, _ = (
        read_json(folder / part / "config.json") for part in ("unet", "vae", "text_encoder")
    )
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    second = has_second_text(index)
    _check_networks(folder, unet, vae, second)
    cell_px = 2 ** (len(vae["block_out_channels"]) - 1)
    found = [find_weights(folder, part, stem) for part, stem in list_weights(index).items()]
    members = judge_members(folder)
    card = ModelCard(
        id=model_id,
        title=title,
        folder=folder,
        native_px=_side(unet.get("sample_size") or 64) * cell_px,
        cell_px=cell_px,
        size_multiple_px=cell_px * 2 ** (len(unet["block_out_channels"]) - 1),
        text_length=_text_length(folder),
        prediction_type=str(scheduler.get("prediction_type", "epsilon")),
        weights=sum(one.weights for one in found),
        family="sdxl" if second else "sd",
        zero_empty=second and bool(index.get("force_zeros_for_empty_prompt", True)),
        **_read_about(folder),
        scheduler=scheduler,
        members=members.cards,
        refused_members=members.refused,
        size_bytes=sum(path.stat().st_size for one in found for path in one.files),
        licence=read_licence(folder),
        words_widths=_read_widths(folder, second),
    )
    _check_ranges(folder, card)
    return card


def _read_widths(folder: Path, second: bool) -> tuple[int, ...]:
    """The numbers of a token in each text encoder; transformers' usual ones where a file does not
    say.
    """
    parts = {"text_encoder": 512} | ({"text_encoder_2": 512} if second else {})
    return tuple(
        int(read_json(folder / part / "config.json").get("hidden_size", usual))
        for part, usual in parts.items()
    )


def _check_ranges(folder: Path, card: ModelCard) -> None:
    """Refuse sizes at which no picture could be made."""
    ranges = {
        "native_px": (card.native_px, 8, MAX_SIDE_PX),
        "cell_px": (card.cell_px, 1, 64),
        "size_multiple_px": (card.size_multiple_px, 1, 512),
        "text_length": (card.text_length, 3, 4096),
    }
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise ModelError(
                f"The configuration files of {folder.name} make {name} {value}.",
                limit=f"It lies in {low} to {high}.",
                remedy="Copy the model folder again, with all its files.",
            )
    if card.prediction_type not in PREDICTION_TYPES:
        raise ModelError(
            f"{folder.name} predicts {card.prediction_type!r:.60}.",
            limit=f"Lamina runs models that predict {', '.join(PREDICTION_TYPES)}.",
            remedy="Choose another model.",
        )


def read_file_card(path: Path, model_id: str, title: str) -> ModelCard:
    """The card of a checkpoint in a single file.

    Args:
        path: of the file.
        model_id: the id it shall have.
        title: for people.

    Raises:
        ModelError: it is damaged, or no checkpoint of a family that we run.
    """
    found = read_single_file(path)
    unet, vae, text = (found.configs[part] for part in ("unet", "vae", "text_encoder"))
    cell_px = 2 ** (len(vae["block_out_channels"]) - 1)
    card = ModelCard(
        id=model_id,
        title=title,
        folder=path.parent,
        native_px=_side(unet["sample_size"]) * cell_px,
        cell_px=cell_px,
        size_multiple_px=cell_px * 2 ** (len(unet["block_out_channels"]) - 1),
        text_length=text["max_position_embeddings"],
        prediction_type=found.scheduler["prediction_type"],
        weights=found.weights,
        family="sdxl" if found.family == "sdxl" else "sd",
        zero_empty=found.family == "sdxl",
        scheduler=dict(found.scheduler),
        size_bytes=found.size_bytes,
        licence=found.licence,
        words_widths=tuple(
            int(found.configs[part]["hidden_size"])
            for part in ("text_encoder", "text_encoder_2")
            if part in found.configs
        ),
        single_file=found,
    )
    _check_ranges(path, card)
    return card


def model_id_of(name: str) -> str:
    """A folder's name as an identifier.

    Args:
        name: any text.

    Returns:
        Letters, digits, ``_`` and ``-``, 1 to 64 of them.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64] or "model"


@functools.lru_cache(maxsize=8)
def load_tokenizer(folder: Path, part: str = "tokenizer") -> CLIPTokenizer:
    """A CLIP tokenizer of a model folder; the same object for every caller."""
    from transformers import CLIPTokenizer  # seconds to import, and the catalog must be quick

    remedy = "Copy the model's tokenizer folder again."
    with explain_loading(f"{folder.name}/{part} cannot be read", remedy=remedy):
        return CLIPTokenizer.from_pretrained(str(folder / part), local_files_only=True)


@functools.lru_cache(maxsize=2)
def build_clip_tokenizer(padding: str) -> CLIPTokenizer:
    """CLIP's own tokenizer, of the vocabulary that open_clip brings.

    Args:
        padding: what a short text is filled up with.
    """
    from open_clip import SimpleTokenizer
    from transformers import CLIPTokenizer

    known = SimpleTokenizer()
    words = dict(zip(known.encoder, range(len(known.encoder) - 2), strict=False))
    ends = {START: len(words), END: len(words) + 1}
    return CLIPTokenizer(
        vocab=words | ends,
        merges=list(known.bpe_ranks),
        pad_token=padding,
        model_max_length=CLIP_LENGTH,
    )


def _read_about(folder: Path) -> dict[str, Any]:
    """The fields of a card that ``about.json`` states; what it states wrongly is left out."""
    if not (folder / ABOUT).exists():
        return {}
    about = read_json(folder / ABOUT)
    stated: dict[str, Any] = {
        name: about[name] for name in STRENGTHS if _is_fraction(about.get(name))
    }
    known = about.get("knows")
    return stated | ({"knows": known[:LONGEST_KNOWS]} if isinstance(known, str) else {})


def _is_fraction(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _side(sample_size: Any) -> int:
    return int(sample_size if isinstance(sample_size, int) else max(sample_size))


def _text_length(folder: Path) -> int:
    config = folder / "tokenizer" / "tokenizer_config.json"
    stated = read_json(config).get("model_max_length", NO_LIMIT) if config.exists() else NO_LIMIT
    if stated < NO_LIMIT:
        return int(stated)
    return int(
        read_json(folder / "text_encoder" / "config.json").get("max_position_embeddings", 77)
    )


def _check_networks(folder: Path, unet: dict[str, Any], vae: dict[str, Any], second: bool) -> None:
    """Refuse members of the family that need more than noise, a time and a text (``second``: by two
    encoders).
    """
    latent = vae.get("latent_channels", 4)
    added = unet.get("addition_embed_type")
    wants = {
        "extra input channels": unet.get("in_channels", 4) != latent,
        "class labels": unet.get("class_embed_type") is not None
        or unet.get("num_class_embeds") is not None,
        "added conditions": added != ("text_time" if second else None),
        "a guidance embedding": unet.get("time_cond_proj_dim") is not None,
    }
    for name, wanted in wants.items():
        if wanted:
            raise ModelError(
                f"The UNet of {folder.name} wants {name}.",
                limit=(
                    "Lamina runs text-to-image models of Stable Diffusion 1.x, 2.x and XL (base)."
                ),
                remedy="Choose the text-to-image member of this model family.",
            )
    for part, config in (("unet", unet), ("vae", vae)):
        if not config.get("block_out_channels"):
            raise ModelError(
                f"{folder.name}/{part}/config.json names no blocks.", remedy="Copy the file again."
            )
