"""Rendered training scenes: worlds of simple shapes, cast with exact depth."""
