OPENAI_DATASET_MEAN: tuple[float, float, float]
OPENAI_DATASET_STD: tuple[float, float, float]
