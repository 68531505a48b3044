"""Painting what was hidden."""
