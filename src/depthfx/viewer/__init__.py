"""The 3D photo as one web page."""
