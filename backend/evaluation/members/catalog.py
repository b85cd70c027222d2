"""The pocket suite's rows about members, by the member's name, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from backend.evaluation.members.clip import clip_row
from backend.evaluation.members.controlnet import controlnet_row
from backend.evaluation.members.guide import guide_row
from backend.evaluation.members.image_encoder import image_encoder_row
from backend.evaluation.members.preview import preview_row
from backend.evaluation.members.sam import sam_row
from backend.evaluation.members.vqgan import vqgan_row
from backend.evaluation.pocket_suite import PocketSuite
from backend.evaluation.report import ReportRow
from backend.models.members import MemberName

MEMBER_ROWS: Mapping[MemberName, Callable[[PocketSuite], ReportRow]] = MappingProxyType(
    {
        "clip": clip_row,
        "image_encoder": image_encoder_row,
        "guide": guide_row,
        "sam": sam_row,
        "vqgan": vqgan_row,
        "controlnet": controlnet_row,
        "preview": preview_row,
    }
)
