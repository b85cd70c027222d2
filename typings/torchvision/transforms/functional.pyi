from collections.abc import Sequence

from torch import Tensor

def gaussian_blur(img: Tensor, kernel_size: Sequence[int], sigma: Sequence[float]) -> Tensor: ...
