"""Places in a photo said in words: parts of its depth, its subject, its sky."""
