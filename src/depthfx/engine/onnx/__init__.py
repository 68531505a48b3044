"""Any depth network stored as ONNX, described by a TOML file beside it."""
