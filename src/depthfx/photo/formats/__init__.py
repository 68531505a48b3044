"""One module a file format: its bytes to a `Stored`, and back where it is written."""

EXTENSION_LEFT_OUT = "the XMP that a JPEG has beyond its packet was left out"
"""What a format says that has a place for one packet of XMP only."""
