"""The subject's matte at the photo's size, and the colours on both sides of it."""
