"""What a person must know before a run, in sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from backend.plan.card import Card, KnownEmbedding, Size, TextCard, generation_size
from backend.plan.phrases import Match, cut_words
from backend.plan.plan import CropWindow, Note
from backend.plan.request import MAX_STEPS, RunSettings
from backend.plan.survey import Surveyed
from backend.plan.weighted_prompt import ReadMarks, find_marks, find_unknown_marks, list_tags
from backend.scene.layer import Layer
from backend.scene.scene import MAX_SIDE_PX, MIN_SIDE_PX, Scene

OBSTACLES = {
    "hidden": "is hidden and takes no part.",
    "empty": (
        "shows nothing: its picture, mask or opacity leaves no visible pixel. It takes no part."
    ),
    "off_canvas": "lies outside the canvas and takes no part. Move it back to use it.",
    "covered": (
        "is covered by the layers above it and takes no part. Raise it or move it to use it."
    ),
}


def call_name(layer: Layer) -> str:
    """The layer as a sentence calls it."""
    return f"Layer “{layer.name or layer.phrase or layer.id}”"


def obstacle_note(seen: Surveyed) -> Note:
    """Why a layer takes no part."""
    if seen.obstacle == "too_small":
        text = (
            f"shows {seen.visible_cells:.2g} of one latent cell, the smallest spot that this "
            "model can draw, "
            "and takes no part. Enlarge it to use it."
        )
    else:
        text = OBSTACLES[seen.obstacle]
    return Note(code=seen.obstacle, layer_id=seen.layer.id, text=f"{call_name(seen.layer)} {text}")


def phrase_notes(layer: Layer, match: Match, card: TextCard) -> tuple[Note, ...]:
    """What the words of a layer could not do."""
    phrase, name = layer.phrase.strip(), call_name(layer)
    if not phrase:
        return (
            Note(
                code="no_phrase",
                layer_id=layer.id,
                text=f"{name} has no phrase, so no words are bound to it.",
            ),
        )
    if match.span is None:
        return (Note(code="phrase_missing", layer_id=layer.id, text=_missing(name, phrase, match)),)
    notes = []
    if match.cut:
        text = (
            f"{name}: the model reads {card.text_length - 2} tokens of the prompt and "
            f"never sees “{match.cut}”."
        )
        notes.append(
            Note(
                code="phrase_truncated",
                layer_id=layer.id,
                text=text + " Move it nearer to the beginning.",
            )
        )
    if match.shared:
        text = (
            f"{name} shares its words with another layer: “{phrase}” stands in the prompt "
            "too few times."
        )
        notes.append(
            Note(code="phrase_shared", layer_id=layer.id, text=text + " Write it once for each.")
        )
    return tuple(notes)


def _missing(name: str, phrase: str, match: Match) -> str:
    if match.inside:
        return (
            f"{name}: “{phrase}” stands in the prompt only inside “{match.inside}”, which "
            "belongs to another layer."
        )
    near = f" The nearest there is “{match.nearest}”." if match.nearest else ""
    return f"{name}: “{phrase}” does not stand in the prompt, so no words are bound to it.{near}"


def word_notes(scene: Scene, prompt: str, negative: str, card: TextCard) -> tuple[Note, ...]:
    """What becomes of the prompts as a whole. Both are in normalised form, as the model reads
    them.
    """
    notes = []
    if not scene.prompt.strip() and scene.layers:
        notes.append(Note(code="no_prompt", text=_without_prompt(prompt)))
    for title, text in (("prompt", prompt), ("negative prompt", negative)):
        if cut := cut_words(text, card):
            limit = f"This model reads {card.text_length - 2} tokens."
            notes.append(
                Note(
                    code="prompt_truncated",
                    text=f"The {title} is too long: “{cut}” is not read. {limit}",
                )
            )
    return tuple(notes)


def _without_prompt(words: str) -> str:
    """What is done with an empty prompt; ``words`` stand in its place."""
    if words:
        return (
            "The prompt is empty, so the picture is drawn from the layers' phrases "
            f"alone: “{words}”."
        )
    return (
        "The prompt is empty and no layer has a phrase: write one of them, for nothing "
        "can be made without words."
    )


def mark_notes(marks: ReadMarks, loras: Collection[str] | None) -> tuple[Note, ...]:
    """What becomes of weights, LoRAs and embeddings that are written into prompts.

    Args:
        marks: what is written there, and how it is read.
        loras: the names of those that are applied; None where they were not sought.
    """
    sentences = [_explain_marks(marks.texts, marks.manner)]
    sentences += [_explain_misfit(name, one, marks.widths) for name, one in marks.misfits.items()]
    if marks.manner == "weighted":
        sentences += [
            f"“{name}” stands for the embedding of that name ({one.vectors} of the row's tokens)."
            for name, one in marks.embeddings.items()
        ]
        sentences += [
            f"The prompt asks for the LoRA “{tag.name}”, which is not here. It is drawn without "
            "it: add its folder in Models."
            for text in marks.texts
            for tag in list_tags(text)
            if loras is not None and tag.name not in loras and tag.weight != 0
        ]
    return tuple(Note(code="prompt_marks", text=text) for text in dict.fromkeys(sentences) if text)


def _explain_marks(texts: Sequence[str], manner: str) -> str:
    """What a person wrote in the habit of another program and what is not done with it, or ""."""
    marks = next((mark for text in texts if (mark := find_marks(text))), "")
    unknown = next((mark for text in texts if (mark := find_unknown_marks(text))), "")
    if manner == "plain" and marks:
        return (
            f"“{marks}” is read as words, as this scene was drawn before. Tick “Weights in "
            "prompts” in the recipe to have weights, LoRAs and embeddings by name."
        )
    if manner == "stripped" and marks:
        return f"“{marks}”: this kind of run has no weights in prompts and reads the words alone."
    if unknown and manner != "plain":
        return (
            f"“{unknown}” is read as words. Known are (word:1.2), ((word)), [word], BREAK and "
            "<lora:name:0.8>."
        )
    return ""


def _explain_misfit(name: str, one: KnownEmbedding, widths: tuple[int, ...]) -> str:
    """One sentence with both widths."""
    made, own = (" and ".join(map(str, sizes)) for sizes in (one.widths, widths))
    return (
        f"The embedding “{name}” is made for words of {made} numbers and this model's have {own}, "
        "so its name is read as words."
    )


STRETCH_NOTED = 0.01
"""By how much the proportions of a picture may be off before that is said."""


def size_notes(scene: Scene, card: Card) -> tuple[Note, ...]:
    """Whether the picture is made at another size than the canvas, or in other proportions."""
    size = generation_size(scene.width_px, scene.height_px, card)
    if size == (scene.width_px, scene.height_px):
        return ()
    canvas = f"{scene.width_px} × {scene.height_px}"
    text = (
        f"The canvas has {canvas} px; this model makes the picture at {size.width_px} × "
        f"{size.height_px} px."
    )
    return (Note(code="resized", text=text), *_stretch_notes(scene, size))


def _stretch_notes(scene: Scene, size: Size) -> tuple[Note, ...]:
    """By how much what is made is stretched on its way to the canvas, and which canvas fits."""
    stretch = (scene.width_px * size.height_px) / (scene.height_px * size.width_px)
    if max(stretch, 1 / stretch) <= 1 + STRETCH_NOTED:
        return ()
    percent = (max(stretch, 1 / stretch) - 1) * 100
    wider = "wider" if stretch > 1 else "taller"
    fitting = " × ".join(map(str, _fitting_canvas(scene, size)))
    remedy = f" A canvas of {fitting} px shows it as it is made." if fitting else ""
    text = (
        f"The picture is shown {percent:.0f} % {wider} than it is made, for this model's sides are "
        f"{size.width_px} × {size.height_px} px.{remedy}"
    )
    return (Note(code="stretched", text=text),)


def _fitting_canvas(scene: Scene, size: Size) -> tuple[int, ...]:
    """A canvas near to the scene's in the proportions of what is made; empty where there is none
    that a scene may have.
    """
    scale = math.sqrt(scene.width_px * scene.height_px / (size.width_px * size.height_px))
    sides = tuple(round(side * scale) for side in size)
    return sides if all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in sides) else ()


def survey_notes(
    seen: Sequence[Surveyed], matches: dict[str, Match], prompt: str, card: TextCard
) -> tuple[Note, ...]:
    """The notes of each layer, from back to front. That there are no words is said once, not for
    every layer.
    """
    notes: list[Note] = []
    for surveyed in seen:
        if surveyed.obstacle:
            notes.append(obstacle_note(surveyed))
        elif prompt.strip():
            notes.extend(phrase_notes(surveyed.layer, matches[surveyed.layer.id], card))
    return tuple(notes)


def step_notes(seen: Sequence[Surveyed], settings: RunSettings) -> tuple[Note, ...]:
    """A note for each layer that may change, but by less than one of the steps that are taken.

    Args:
        seen: The layers that take part.
        settings: The dials of the run; methods that draw all layers anew have no such notes.
    """
    if settings.options.get(LAYER_STRENGTHS.get(settings.method, ""), True) is False:
        return ()
    return tuple(
        Note(
            code="no_step",
            layer_id=one.layer.id,
            text=" ".join(
                (f"{call_name(one.layer)}:", *explain_no_step(one.strength, settings.steps))
            ),
        )
        for one in seen
        if settings.method in LAYER_STRENGTHS
        and (one.layer.picture is not None or settings.method not in DRAWN_ANEW)
        and takes_no_step(one.strength, settings.steps)
    )


LAYER_STRENGTHS: Mapping[str, str] = MappingProxyType({"collage": "layer_noise", "tcig": "refine"})
"""Methods that read the layers' strengths, and the option without which they do not."""
DRAWN_ANEW = frozenset({"tcig"})
"""Methods that draw layers without a picture whatever their strength."""


def takes_no_step(strength: float, steps: int) -> bool:
    """Whether a strength h above 0 is too small for a run of N steps: ⌊N·h⌋ = 0."""
    return strength > 0 and int(steps * strength) == 0


def explain_no_step(strength: float, steps: int) -> tuple[str, str]:
    """What such a strength does, as the rest of a sentence after a name, and what would help.

    Args:
        strength: h, above 0.
        steps: N.
    """
    least = math.ceil(100 / steps - 1e-9) / 100
    taken = "the one step" if steps == 1 else f"one of the {steps} steps"
    enough = math.ceil(1 / strength - 1e-9)
    more = f", or take {enough} steps or more" if enough <= MAX_STEPS else ""
    return (
        f"a strength of {strength:.2g} is less than {taken}, so nothing of it changes.",
        f"Raise it to {least:.2f} or more{more}.",
    )


def explain_no_refining(steps: int, first: int, strength: float) -> tuple[str, ...]:
    """Why pictures are the drafts themselves, where a strength of stage 2 takes no step; nothing
    where the first step of ``steps`` is one of them.
    """
    if first < steps:
        return ()
    if takes_no_step(strength, steps):
        return (f"Refining the draft: {' '.join(explain_no_step(strength, steps))}",)
    return ("The drafts are not refined: the strength of stage 2 is 0. Raise it to refine them.",)


def explain_standstill(steps: int, strength: float | None) -> str:
    """Why the pictures of a run are the canvas itself.

    Args:
        steps: N.
        strength: of the whole picture; None where each layer has its own.
    """
    if strength:
        return f"The whole picture: {' '.join(explain_no_step(strength, steps))}"
    return (
        "Nothing may change: every part of the picture has a strength of 0, or one too small for "
        f"{steps} steps. The pictures are the canvas itself; raise the strength of a layer."
    )


def light_notes(chosen: Surveyed, settings: RunSettings, card: Card) -> tuple[Note, ...]:
    """That a re-roll will change light alone, where the layer's strength is so low.

    Args:
        chosen: the layer that is drawn again.
        settings: the dials of the run.
        card: its ``light_only`` is the strength.
    """
    if settings.method != "collage" or not 0 < chosen.strength <= card.light_only:
        return ()
    if settings.options.get("canvas_detail", 1.0) == 0:
        return ()
    text = (
        f"{call_name(chosen.layer)}: at a strength of {chosen.strength:.2g} this model changes "
        f"light and colour and keeps the form. Raise it above {card.light_only:.2g} for another "
        "form."
    )
    return (Note(code="light_only", layer_id=chosen.layer.id, text=text),)


def close_up_note(layer: Layer, window: CropWindow, card: Card) -> Note:
    """That a re-roll draws a layer close up.

    Args:
        layer: the layer.
        window: that is drawn.
        card: its native side is what the window is enlarged to.
    """
    text = (
        f"{call_name(layer)} is drawn close up: {window.side_px} px around it, enlarged to "
        f"{card.native_px} px and put back."
    )
    return Note(code="close_up", text=text)


SETTINGS: Mapping[str, tuple[str, Callable[[Layer], bool]]] = MappingProxyType(
    {
        "embedding": ("its learned look", lambda layer: layer.embedding is not None),
        "structure": ("its held structure", lambda layer: layer.structure.kind != "none"),
        "strength_map": ("its painted strength", lambda layer: layer.strength_map is not None),
        "prompt_range": (
            "the steps in which it is active",
            lambda layer: (layer.prompt_start, layer.prompt_end) != (0.0, 1.0),
        ),
        "seed": ("its own seed", lambda layer: layer.seed is not None),
        "loras": ("its LoRAs", lambda layer: bool(layer.loras)),
    }
)
"""What a method may leave unread: its words for a person, and whether a layer has it."""


def list_ignored(scene: Scene, title: str, ignores: Collection[str]) -> tuple[Note, ...]:
    """A note (code "ignored") for each visible layer with settings, named in SETTINGS, that a
    method does not read.
    """
    return tuple(
        Note(
            code="ignored",
            layer_id=layer.id,
            text=f"{call_name(layer)}: {title} does not use {_join_words(unread)}.",
        )
        for layer in scene.visible_layers()
        if (
            unread := [
                words for name, (words, has) in SETTINGS.items() if name in ignores and has(layer)
            ]
        )
    )


def prompt_alone_notes(scene: Scene, title: str) -> tuple[Note, ...]:
    """What is said of a method that reads no layer, where the scene has some to be seen."""
    text = f"{title} draws from the prompt alone: the layers take no part."
    return (Note(code="subject_alone", text=text),) if any(scene.visible_layers()) else ()


def without_layer_notes(notes: Sequence[Note], scene: Scene) -> tuple[Note, ...]:
    """The notes that matter to a method that reads no layer: none about the words and places of
    layers. A layer with a subject keeps its own, for it can be re-rolled.
    """
    kept = {"", *(layer.id for layer in scene.layers if layer.subject is not None)}
    return tuple(note for note in notes if note.layer_id in kept)


def _join_words(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
