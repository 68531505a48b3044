"""A photo as layers at their depths."""
