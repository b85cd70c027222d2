"""What Layout-and-Retouch can be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from backend.scene.records import Record

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class RetouchOptions(Record):
    """What Layout-and-Retouch can be told. Shares are of the steps that are taken; the paper takes
    50.

    Eight defaults are ours, for on the pocket family the paper's lose the subject or redraw the
    place around it: a shorter part of the plain model at first, a longer one around the subject,
    the prompt's own words, the subject's part of the reference alone and with more weight, blending
    from the end of the copy on, of the states as well, and a mask that keeps off the other words'
    places.
    """

    stage: Literal["retouch", "layouts"] = Field(
        "retouch",
        title="Stage",
        description=(
            "Retouch every layout, or show the layouts; the same seed then retouches "
            "the one that is picked."
        ),
        json_schema_extra={"section": "3.2"},
    )
    plain_share: Share = Field(
        0.04,
        title="Plain model's steps",
        description=(
            "How long the plain model lays the picture out (λ1; the paper: 5 of 50, "
            "3 for hard prompts)."
        ),
        json_schema_extra={"section": "3.2.1", "unit": "share of the steps", "step": 0.02},
    )
    around_share: Share = Field(
        0.4,
        title="Plain model around it",
        description=(
            "How long the plain model goes on drawing whatever is not the subject; 0 in the paper."
        ),
        json_schema_extra={"section": "3.2.1", "unit": "share of the steps", "step": 0.05},
    )
    copy_share: Share = Field(
        0.2,
        title="Copied steps",
        description="How long the result is the layout itself (λ2, 10 of 50).",
        json_schema_extra={"section": "3.2.2", "unit": "share of the steps", "step": 0.02},
    )
    blend_share: Share = Field(
        0.2,
        title="Blending from",
        description=(
            "From which step on everything outside the mask is drawn back to the "
            "layout (the paper: 0.6)."
        ),
        json_schema_extra={"section": "3.2.2", "unit": "share of the steps", "step": 0.02},
    )
    swap: bool = Field(
        True,
        title="Reference's appearance",
        description="The target looks at the reference in the decoder's self-attention.",
        json_schema_extra={"section": "3.2.2"},
    )
    reference_part: Literal["subject", "whole"] = Field(
        "subject",
        title="Part of the reference",
        description=(
            "Where it shows the subject, beside the target's own; or all, instead of "
            "them (the paper)."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    guided_reference: bool = Field(
        True,
        title="Guided by the reference",
        description=(
            "The subject's part is seen with the words alone, so that guidance strengthens it."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    reference_weight: float = Field(
        3.0,
        gt=0.0,
        le=8.0,
        title="Reference's weight",
        description=(
            "What a place of the reference's subject counts beside one of the picture's own."
        ),
        json_schema_extra={"section": "3.2.2", "unit": "times", "step": 0.5},
    )
    mask: Literal["adaptive", "words", "none"] = Field(
        "adaptive",
        title="Mask",
        description=(
            "Where the subject's words look and what SAM cuts out, the words alone, or no blending."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    competing_tokens: bool = Field(
        True,
        title="Against other words",
        description=(
            "A place is the subject's only where no other word of the prompt looks "
            "more; off in the paper."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    joining: Literal["touching", "or", "and"] = Field(
        "touching",
        title="Joining of the masks",
        description=(
            "Parts that touch SAM's cut-out; the paper's formula (or); or only what both found."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    background_floor: Share = Field(
        0.0,
        title="Mask outside",
        description="M outside the subject; 0.5 is the literal reading of the paper.",
        json_schema_extra={"section": "3.2.2", "unit": "share of the target", "step": 0.05},
    )
    hold_around: bool = Field(
        True,
        title="Hold the rest",
        description="Around the mask the result is the layout, not only alike; off in the paper.",
        json_schema_extra={"section": "3.2.2"},
    )
    target_words: Literal["neutral", "prompt"] = Field(
        "prompt",
        title="Words of the retouch",
        description=(
            "The prompt, which keeps its place and companions, or the neutral words "
            "of the paper's algorithm."
        ),
        json_schema_extra={"section": "3.2.2"},
    )
    reference_branch: Literal["stored", "sampled"] = Field(
        "stored",
        title="Reference branch",
        description=(
            "Replayed from stored states (exact, remembered), or sampled beside the "
            "target as printed."
        ),
        json_schema_extra={"section": "algorithm 1"},
    )
    layout_states: Literal["own", "inverted"] = Field(
        "own",
        title="Layout's states",
        description="Those of its own making, or of an inversion as printed.",
        json_schema_extra={"section": "algorithm 1"},
    )

    def layout(self) -> dict[str, Any]:
        """The options that a layout depends on; all others are the retouch's."""
        stage1 = {"plain_share", "around_share", "competing_tokens"}
        return self.model_dump(mode="json", include=stage1)
