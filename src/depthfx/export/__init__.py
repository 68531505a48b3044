"""Layers as other programs open them."""
