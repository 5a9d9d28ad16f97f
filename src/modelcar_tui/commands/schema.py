"""`agent schema KIND`: the JSON Schema of a document of ours, as it was published with this release."""

from __future__ import annotations

import sys
from importlib.resources import files

from modelcar_tui.core.exit_codes import ExitStatus


def print_schema(kind: str) -> int:
    """Print the schema of `config`, `manifest`, `plan`, `report` or `settings`."""
    sys.stdout.write((files("modelcar_tui") / "schemas" / f"{kind}.schema.json").read_text("utf-8"))
    return ExitStatus.GO
