"""What the papers compare themselves with, on the same loop."""
