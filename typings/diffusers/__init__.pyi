from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self, overload

import torch
from PIL.Image import Image
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

class Config:
    """A frozen mapping whose entries are attributes too."""

    block_out_channels: Sequence[int]
    conditioning_embedding_out_channels: Sequence[int]
    force_upcast: bool
    in_channels: int
    latent_channels: int
    num_train_timesteps: int
    prediction_type: str
    scaling_factor: float
    solver_order: int
    def __getitem__(self, name: str) -> object: ...

class ConfigMixin:
    config: Config
    def register_to_config(self, **values: object) -> None: ...

class ModelMixin(nn.Module, ConfigMixin):
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def device(self) -> torch.device: ...
    @overload
    @classmethod
    def from_pretrained(
        cls,
        folder: str | PathLike[str],
        *,
        output_loading_info: Literal[True],
        subfolder: str = ...,
        dtype: torch.dtype = ...,
        torch_dtype: torch.dtype = ...,
        variant: str | None = ...,
        use_safetensors: bool = ...,
        local_files_only: bool = ...,
    ) -> tuple[Self, Mapping[str, Sequence[str]]]: ...
    @overload
    @classmethod
    def from_pretrained(
        cls,
        folder: str | PathLike[str],
        *,
        subfolder: str = ...,
        dtype: torch.dtype = ...,
        torch_dtype: torch.dtype = ...,
        variant: str | None = ...,
        use_safetensors: bool = ...,
        local_files_only: bool = ...,
    ) -> Self: ...
    def save_pretrained(
        self, folder: str | PathLike[str], *, safe_serialization: bool = ...
    ) -> None: ...

class DiagonalGaussianDistribution:
    mean: Tensor
    std: Tensor
    logvar: Tensor
    def mode(self) -> Tensor: ...
    def sample(self, generator: torch.Generator | None = ...) -> Tensor: ...

class AutoencoderKLOutput:
    latent_dist: DiagonalGaussianDistribution

class DecoderOutput:
    sample: Tensor

class Projection(nn.Conv2d):
    bias: nn.Parameter

class AutoencoderKL(ModelMixin):
    decoder: nn.Module
    encoder: nn.Module
    quant_conv: Projection
    post_quant_conv: Projection
    def __init__(self, **sizes: object) -> None: ...
    def encode(self, x: Tensor) -> AutoencoderKLOutput: ...
    @overload
    def decode(self, z: Tensor, return_dict: Literal[True] = ...) -> DecoderOutput: ...
    @overload
    def decode(self, z: Tensor, return_dict: Literal[False]) -> tuple[Tensor]: ...

class AutoencoderTinyOutput:
    latents: Tensor

class AutoencoderTiny(ModelMixin):
    decoder: nn.Module
    encoder: nn.Module
    def __init__(self, **sizes: object) -> None: ...
    def encode(self, x: Tensor) -> AutoencoderTinyOutput: ...
    @overload
    def decode(self, x: Tensor, return_dict: Literal[True] = ...) -> DecoderOutput: ...
    @overload
    def decode(self, x: Tensor, return_dict: Literal[False]) -> tuple[Tensor]: ...

class UNet2DConditionOutput:
    sample: Tensor

class UpBlock(nn.Module):
    resnets: nn.ModuleList

class AttentionNetwork(ModelMixin):
    attn_processors: dict[str, object]
    def set_attn_processor(self, processor: object) -> None: ...

class UNet2DConditionModel(AttentionNetwork):
    conv_in: nn.Conv2d
    conv_out: nn.Conv2d
    up_blocks: Sequence[UpBlock]
    def __init__(self, **sizes: object) -> None: ...
    @overload
    def __call__(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        *,
        return_dict: Literal[False],
        **extra: Any,
    ) -> tuple[Tensor]: ...
    @overload
    def __call__(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        *,
        return_dict: Literal[True] = ...,
        **extra: Any,
    ) -> UNet2DConditionOutput: ...

class ControlNetModel(AttentionNetwork):
    @classmethod
    def from_unet(
        cls, unet: UNet2DConditionModel, *, conditioning_embedding_out_channels: Sequence[int] = ...
    ) -> Self: ...
    def __call__(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        controlnet_cond: Tensor,
        *,
        return_dict: Literal[False],
        **extra: Any,
    ) -> tuple[list[Tensor], Tensor]: ...

class SchedulerOutput:
    prev_sample: Tensor
    pred_original_sample: Tensor | None

class SchedulerMixin(ConfigMixin):
    """What the samplers have in common; ``sigmas`` and the later ones are only on some."""

    timesteps: Tensor
    alphas_cumprod: Tensor
    final_alpha_cumprod: Tensor
    sigmas: Tensor
    init_noise_sigma: float
    lower_order_nums: int
    last_sample: Tensor | None
    derivatives: list[Tensor]
    model_outputs: list[Tensor | None]
    def __init__(self, **values: object) -> None: ...
    def set_timesteps(self, steps: int, device: torch.device | str | None = ...) -> None: ...
    def set_begin_index(self, index: int) -> None: ...
    def scale_model_input(self, sample: Tensor, timestep: Tensor) -> Tensor: ...
    def add_noise(self, samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor: ...
    def step(
        self,
        predicted: Tensor,
        timestep: Tensor,
        sample: Tensor,
        *,
        return_dict: Literal[True] = ...,
        **more: object,
    ) -> SchedulerOutput: ...

class DDIMScheduler(SchedulerMixin):
    def get_velocity(self, sample: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor: ...

class PipelineOutput:
    images: list[Image]

class DiffusionPipeline:
    def __init__(self, **parts: object) -> None: ...
    @classmethod
    def from_pretrained(cls, folder: str | PathLike[str], **how: object) -> Self: ...
    def save_pretrained(
        self, folder: str | PathLike[str], *, safe_serialization: bool = ...
    ) -> None: ...
    def set_progress_bar_config(self, **values: object) -> None: ...
    def to(self, where: torch.device | torch.dtype | str) -> Self: ...
    def __call__(self, *given: object, **named: object) -> PipelineOutput: ...

class StableDiffusionPipeline(DiffusionPipeline):
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    unet: UNet2DConditionModel
    vae: AutoencoderKL

class StableDiffusionImg2ImgPipeline(StableDiffusionPipeline): ...
class StableDiffusionXLImg2ImgPipeline(StableDiffusionPipeline): ...
