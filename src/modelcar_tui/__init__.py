"""modelcar-tui: GO / NO-GO / UNKNOWN for a Red Hat model-car manifest, before it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcar_tui.core.version import __version__

if TYPE_CHECKING:
    from modelcar_tui.supervisor import Supervisor

__all__ = ["Supervisor", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Supervisor":
        from modelcar_tui.supervisor import Supervisor

        return Supervisor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
