"""`python -m depthfx` is the `depthfx` command."""

from depthfx.cli import main

if __name__ == "__main__":
    main()
