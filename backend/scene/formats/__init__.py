"""Files that hold scenes, pictures and tensors."""
