"""The rules of the house, executed: `python -m tests.rules` lists what breaks them."""
