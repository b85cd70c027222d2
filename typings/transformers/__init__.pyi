from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self, overload

import torch
from torch import Tensor, nn

class PretrainedConfig:
    def __init__(self, **values: object) -> None: ...
    model_type: str
    image_size: int
    projection_dim: int
    id2label: dict[int, str]
    use_attention_mask: bool
    vision_config: PretrainedConfig
    @classmethod
    def from_pretrained(cls, folder: str | PathLike[str], **how: object) -> Self: ...
    def to_diff_dict(self) -> dict[str, object]: ...

class CLIPTextConfig(PretrainedConfig): ...
class ResNetConfig(PretrainedConfig): ...
class SegformerConfig(PretrainedConfig): ...
class AutoConfig(PretrainedConfig): ...

class ModelOutput:
    hidden_states: tuple[Tensor, ...]
    last_hidden_state: Tensor
    logits: Tensor
    pooler_output: Tensor
    predicted_depth: Tensor
    text_embeds: Tensor
    def __getitem__(self, index: int) -> Tensor: ...

class PreTrainedModel(nn.Module):
    config: PretrainedConfig
    dtype: torch.dtype
    device: torch.device
    def __init__(self, config: PretrainedConfig) -> None: ...
    @overload
    @classmethod
    def from_pretrained(
        cls,
        folder: str | PathLike[str],
        *,
        output_loading_info: Literal[True],
        config: PretrainedConfig = ...,
        dtype: torch.dtype = ...,
        local_files_only: bool = ...,
        trust_remote_code: bool = ...,
        use_safetensors: bool = ...,
        variant: str | None = ...,
    ) -> tuple[Self, Mapping[str, Sequence[str]]]: ...
    @overload
    @classmethod
    def from_pretrained(
        cls,
        folder: str | PathLike[str],
        *,
        config: PretrainedConfig = ...,
        dtype: torch.dtype = ...,
        local_files_only: bool = ...,
        trust_remote_code: bool = ...,
        use_safetensors: bool = ...,
    ) -> Self: ...
    def save_pretrained(
        self, folder: str | PathLike[str], *, safe_serialization: bool = ...
    ) -> None: ...
    def get_input_embeddings(self) -> nn.Embedding: ...
    def __call__(self, *given: Tensor, **named: object) -> ModelOutput: ...

class CLIPTextModel(PreTrainedModel): ...
class CLIPTextModelWithProjection(PreTrainedModel): ...
class ResNetModel(PreTrainedModel): ...
class SegformerForSemanticSegmentation(PreTrainedModel): ...
class AutoModel(PreTrainedModel): ...
class AutoModelForDepthEstimation(PreTrainedModel): ...
class AutoModelForSemanticSegmentation(PreTrainedModel): ...

class VisionOutput:
    def __getitem__(self, index: int) -> Sequence[Tensor]: ...

class ClipSegVision(nn.Module):
    def __call__(self, *, pixel_values: Tensor, **how: object) -> ModelOutput: ...

class ClipSegClip(nn.Module):
    vision_model: ClipSegVision

class ClipSegDecoder(nn.Module):
    def __call__(self, rows: Sequence[Tensor], words: Tensor) -> ModelOutput: ...

class CLIPSegForImageSegmentation(PreTrainedModel):
    clip: ClipSegClip
    decoder: ClipSegDecoder
    extract_layers: Sequence[int]
    def get_conditional_embeddings(
        self, *, batch_size: int, input_ids: Tensor, attention_mask: Tensor
    ) -> Tensor: ...

class TokenRows:
    """Rows of tokens, as lists or, with ``return_tensors="pt"``, as tensors."""

    input_ids: Tensor
    attention_mask: Tensor
    def __getitem__(self, name: str) -> Any: ...

class CLIPTokenizer:
    model_max_length: int
    bos_token_id: int
    eos_token_id: int
    pad_token_id: int
    def __init__(self, **values: object) -> None: ...
    def __call__(self, text: str | Sequence[str], **how: object) -> TokenRows: ...
    def __len__(self) -> int: ...
    @classmethod
    def from_pretrained(cls, folder: str | PathLike[str], **how: object) -> Self: ...
    def save_pretrained(self, folder: str | PathLike[str]) -> tuple[str, ...]: ...
    def get_vocab(self) -> dict[str, int]: ...
    def decode(self, ids: Sequence[int] | int) -> str: ...

class AutoTokenizer(CLIPTokenizer): ...
