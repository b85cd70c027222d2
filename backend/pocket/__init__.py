"""The pocket family: a drawn world, and the small networks that learned it.

``world`` draws scenes (numpy and Pillow only); ``configs`` and ``tokenizer`` say what the networks
look like; ``judge`` loads the small segmenter that scores pictures; ``train`` makes all the weights
again from nothing.
"""
