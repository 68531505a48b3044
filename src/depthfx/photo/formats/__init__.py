"""One module a file format: its bytes to a `Stored`, and back where it is written."""
