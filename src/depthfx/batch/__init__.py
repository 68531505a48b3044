"""Many photos with one look: found, worked on side by side, never lost, reported.

for result in depthfx.batch.run("look.toml", ["shoot/"], "styled/"):
    print(result.source, result.status)
"""

from depthfx.batch.job import Result, Settings, Status
from depthfx.batch.run import run

__all__ = ["Result", "Settings", "Status", "run"]
