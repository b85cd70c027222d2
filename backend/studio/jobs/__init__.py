"""The queue of jobs, and the protocols of whoever computes."""
