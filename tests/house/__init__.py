"""The rules of the house, executed: `python -m tests.house` lists what breaks them."""
