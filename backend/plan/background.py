"""What a prompt says of the place, without its objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.plan.plan import Plan, PlannedLayer

_ARTICLE = r"(?:\b(?:a|an|the)\s+)?"
_JOINTS = re.compile(r"^(?:[\s,;]|\band\b|\bwith\b)+", re.IGNORECASE)


def background_words(prompt: str, phrases: Sequence[str]) -> str:
    """The prompt without the phrases and what joined them: "a red cat and a blue house at night" →
    "at night".
    """
    left = prompt
    for phrase in sorted((p.strip() for p in phrases if p.strip()), key=len, reverse=True):
        left = re.sub(
            _ARTICLE + r"\b" + re.escape(phrase) + r"\b", " ", left, count=1, flags=re.IGNORECASE
        )
    left = re.sub(r"\s+", " ", left)
    left = re.sub(r"(?:\s*,\s*|\s+and\s+)+(?=,|\band\b|\s*$)", " ", left)
    return _JOINTS.sub("", left).strip(" ,")


def phrase_in(prompt: str, phrase: str) -> str:
    """A phrase with the article that it has in the prompt; as it is where the prompt does not have
    it.
    """
    found = re.search(_ARTICLE + r"\b" + re.escape(phrase.strip()) + r"\b", prompt, re.IGNORECASE)
    return found.group(0) if found and phrase.strip() else phrase


def list_texts(plan: Plan, painted: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """The prompt, what it says of the background, and each painted layer's words or class."""
    phrases = [layer.phrase.strip() or layer.class_label for layer in painted]
    prompt = plan.prompt.strip() or ", ".join(phrases)
    background = background_words(prompt, [layer.phrase for layer in plan.layers]) or prompt
    return (prompt, background, *phrases)
