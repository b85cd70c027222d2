"""How the pocket family was made: ``python -m backend.pocket.train PART`` (scenes, autoencoder,
unet, judge).
"""
