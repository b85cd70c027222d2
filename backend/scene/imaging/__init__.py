"""Arithmetic on arrays of pixels; knows no scene."""
