"""The drawn world: words and drawings (numpy and Pillow only)."""
