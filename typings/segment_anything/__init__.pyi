import numpy as np
from numpy.typing import NDArray
from segment_anything.modeling import Sam
from torch import Tensor

class SamPredictor:
    features: Tensor
    is_image_set: bool
    original_size: tuple[int, int]
    def __init__(self, model: Sam) -> None: ...
    def set_image(self, image: NDArray[np.uint8]) -> None: ...
    def predict(
        self,
        *,
        point_coords: NDArray[np.float64] | None = ...,
        point_labels: NDArray[np.float64] | None = ...,
        box: NDArray[np.float64] | None = ...,
        multimask_output: bool = ...,
        return_logits: bool = ...,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]: ...
