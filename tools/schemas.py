"""Writes the published schemas beside their models: `make schemas`, after a change in one of them."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui import schemas
from modelcar_tui.schemas.published import SCHEMAS, text

for kind in SCHEMAS:
    (Path(schemas.__file__).parent / f"{kind}.schema.json").write_bytes(text(kind))
