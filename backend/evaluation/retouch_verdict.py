"""What the figures of the suite `retouch` say about the paper's claims: a sentence each, whichever
way it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from backend.evaluation.report import build_metric

Found = Mapping[str, Mapping[str, Sequence[float]]]
"""row → metric → values; rows that drew for the same subjects, prompts and seeds have them in the
same order.
"""

WORSE = 0.02
"""How much identity may fall for the sake of the prompt (the issue's bar)."""
IDENTITY = ("i_clip", "i_dino")
PAIRED = ("t_clip", *IDENTITY, "subject_clip", "subject_dino")


def gains(found: Found, row: str, base: str) -> dict[str, list[float]]:
    """Differences picture by picture of a row and its base, for what both measured: ``t_clip_gain``
    and so on.
    """
    made: dict[str, list[float]] = {}
    for name in PAIRED:
        ours, theirs = found[row].get(name, ()), found[base].get(name, ())
        if ours and len(ours) == len(theirs):
            made[f"{name}_gain"] = [float(a - b) for a, b in zip(ours, theirs, strict=True)]
    return made


def verdicts(found: Found, backbones: Sequence[str], ablated: str) -> tuple[str, ...]:
    """Every claim that the rows there are can decide."""
    sentences = [*_add_on(found, backbones), *_ablation(found), *_diversity(found, ablated)]
    return tuple(sentences)


def _add_on(found: Found, backbones: Sequence[str]) -> Iterator[str]:
    for base in backbones:
        row = f"{base}+L&R"
        if not {base, row} <= set(found):
            continue
        means = {name: float(np.mean(values)) for name, values in gains(found, row, base).items()}
        if "t_clip_gain" not in means:
            continue
        prompt = means["t_clip_gain"]
        identity = min(
            (means[f"{name}_gain"] for name in IDENTITY if f"{name}_gain" in means), default=0.0
        )
        low, high = build_metric(gains(found, row, base)["t_clip_gain"]).ci95
        interval = f"{prompt:+.3f} [{low:+.3f}, {high:+.3f}]"
        better = f"{row} follows the prompt better than {base}"
        yield f"{_verdict_word(prompt > 0)}: {better} ({interval})"
        yield (
            f"{_verdict_word(identity >= -WORSE)}: identity falls by at most {WORSE} (the worse of "
            f"the two: {identity:+.3f})"
        )


def _ablation(found: Found) -> Iterator[str]:
    claims = (
        ("t_clip", "II", "I", "the plain model's first steps help the prompt"),
        ("t_clip", "II", "III", "naive keys and values hurt the prompt"),
        ("t_clip", "IV", "III", "two stages restore it"),
        ("i_dino", "V", "IV", "the adaptive mask restores identity"),
    )
    for metric, above, below, claim in claims:
        yield from _compare(found, metric, (above, below), claim)


def _diversity(found: Found, ablated: str) -> Iterator[str]:
    for metric in ("centre_variance", "inception_score"):
        for other in (ablated, "DreamMatcher"):
            yield from _compare(
                found, metric, (f"{ablated}+L&R", other), "layouts are more diverse"
            )


def _compare(found: Found, metric: str, rows: tuple[str, str], claim: str) -> Iterator[str]:
    """A sentence when both rows have known values."""
    above, below = (
        [one for one in found.get(row, {}).get(metric, ()) if not np.isnan(one)] for row in rows
    )
    if above and below:
        first, second = float(np.mean(above)), float(np.mean(below))
        yield (
            f"{_verdict_word(first > second)}: {claim} ({metric}: {rows[0]} {first:.4f}, {rows[1]} "
            f"{second:.4f})"
        )


def _verdict_word(holds: bool) -> str:
    return "holds" if holds else "FAILS"
