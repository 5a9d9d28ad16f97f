"""From a line of the log of the suite to what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.qa.log.spool import SpoolReader, spool_index
    from modelcar_tui.qa.log.tables import recognise

__all__ = [
    "SpoolReader",
    "recognise",
    "spool_index",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "spool": "SpoolReader spool_index",
            "tables": "recognise",
        },
    )
