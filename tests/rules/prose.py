"""One sentence a line in Markdown: ``python -m tests.rules.prose FILES`` writes them so.

Code, tables, headings, pictures and pages of HTML stay as they are. A sentence ends at a full stop,
question or exclamation mark before a space and something that can begin a sentence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.rules.tree import Breach

ENDS = re.compile(r"(?<=[.!?])(?P<closed>[)\]*_\"'”’`]*)\s+(?=[\"'“‘(\[*_`]*(?:[A-Z0-9λ`]|\.\d))")
SHORT = re.compile(
    r"(?:^|[\s(\[])(?:al|cf|e\.g|i\.e|eq|eqs|fig|no|p|pp|sec|vs|approx|resp|St|Dr|[A-Z])\.$"
)
"""What ends with a full stop and is not the end of a sentence."""

FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"(?P<indent> *)(?P<mark>[-*+]|\d+\.) +")
STANDS = re.compile(r"\s*(?:#|\||<|!\[|---|===|\[[^\]]+\]:)|^ {4,}\S")
"""Lines that are no prose: headings, tables, HTML, pictures, rules, references."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph that is one line."""
    cuts = [0]
    for end in ENDS.finditer(text):
        before = text[cuts[-1] : end.end("closed")].rstrip()
        bare = before.rstrip(")]*_\"'”’`")
        if not SHORT.search(bare) and not _in_code(text, end.start()):
            cuts.append(end.end())
    return [text[start:end].strip() for start, end in pairwise([*cuts, len(text)])]


def _in_code(text: str, place: int) -> bool:
    return text.count("`", 0, place) % 2 == 1


def lay_out(text: str) -> str:
    """Markdown with one sentence a line; laying out twice changes nothing."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    fenced = False
    for line in lines:
        opens = bool(FENCE.match(line))
        ends = opens or fenced or not line.strip() or _stands(line, paragraph)
        if paragraph and (ends or ITEM.match(line)):
            yield from _paragraph(paragraph)
            paragraph = []
        if ends:
            yield line
        else:
            paragraph.append(line)
        fenced ^= opens
    if paragraph:
        yield from _paragraph(paragraph)


def _stands(line: str, paragraph: list[str]) -> bool:
    indented = line.startswith("    ") and bool(paragraph)
    return bool(STANDS.match(line)) and not indented


def _paragraph(lines: list[str]) -> Iterator[str]:
    item = ITEM.match(lines[0])
    start = item[0] if item else re.match(r" *", lines[0])[0]  # type: ignore[index]
    rest = " " * len(start)
    text = " ".join(line.strip() for line in [lines[0][len(start) :], *lines[1:]])
    for number, sentence in enumerate(split_sentences(text)):
        yield (start if number == 0 else rest) + sentence


def check_prose(path: str, text: str) -> Iterator[Breach]:
    """The first line that does not hold one sentence."""
    if not path.endswith(".md"):
        return
    wanted = lay_out(text).split("\n")
    for number, (line, better) in enumerate(zip(text.split("\n"), wanted, strict=False), 1):
        if line != better:
            yield Breach(path, number, "one sentence a line", better[:60])
            return


def main() -> int:
    """Lay out the files that were named."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(lay_out(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
