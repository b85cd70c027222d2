from collections.abc import Sequence

import torch
from torch import Tensor, nn

class ImageEncoderViT(nn.Module):
    img_size: int
    patch_embed: nn.Module
    def __init__(self, **sizes: object) -> None: ...
    def __call__(self, pictures: Tensor) -> Tensor: ...

class PromptEncoder(nn.Module):
    def __init__(self, **sizes: object) -> None: ...
    def __call__(
        self,
        points: tuple[Tensor, Tensor] | None,
        boxes: Tensor | None,
        masks: Tensor | None,
    ) -> tuple[Tensor, Tensor]: ...
    def get_dense_pe(self) -> Tensor: ...

class TwoWayTransformer(nn.Module):
    def __init__(self, **sizes: object) -> None: ...
    def __call__(self, image: Tensor, place: Tensor, points: Tensor) -> tuple[Tensor, Tensor]: ...

class MaskDecoder(nn.Module):
    iou_token: nn.Embedding
    mask_tokens: nn.Embedding
    transformer: TwoWayTransformer
    output_upscaling: nn.Sequential
    output_hypernetworks_mlps: Sequence[nn.Module]
    iou_prediction_head: nn.Module
    def __init__(self, **sizes: object) -> None: ...

class Sam(nn.Module):
    image_encoder: ImageEncoderViT
    prompt_encoder: PromptEncoder
    mask_decoder: MaskDecoder
    pixel_mean: Tensor
    pixel_std: Tensor
    device: torch.device
    def __init__(
        self,
        image_encoder: ImageEncoderViT,
        prompt_encoder: PromptEncoder,
        mask_decoder: MaskDecoder,
        pixel_mean: list[float] = ...,
        pixel_std: list[float] = ...,
    ) -> None: ...
