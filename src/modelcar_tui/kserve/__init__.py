"""KServe's objects: whether an API server would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.kserve.schemas import KSERVE_RELEASES, Source, kept_release, served, source_of
    from modelcar_tui.kserve.trial import dry_run
    from modelcar_tui.kserve.validity import validate

__all__ = ["KSERVE_RELEASES", "Source", "dry_run", "kept_release", "served", "source_of", "validate"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "trial": "dry_run",
            "schemas": "KSERVE_RELEASES Source kept_release served source_of",
            "validity": "validate",
        },
    )
