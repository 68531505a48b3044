"""Training of the embedded network: `python -m depthfx.training train recipe.toml`."""
