from torch import Tensor, nn

class AttnBlock(nn.Module):
    in_channels: int
    norm: nn.GroupNorm
    q: nn.Conv2d
    k: nn.Conv2d
    v: nn.Conv2d
    proj_out: nn.Conv2d

class Encoder(nn.Module):
    def __init__(self, **sizes: object) -> None: ...
    def __call__(self, pictures: Tensor) -> Tensor: ...

class Decoder(nn.Module):
    conv_out: nn.Conv2d
    def __init__(self, **sizes: object) -> None: ...
    def __call__(self, z: Tensor) -> Tensor: ...
