"""Light that is added to a photo, and the light that is in it."""
