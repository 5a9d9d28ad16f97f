"""The demo's outside world: servers on loopback that speak the real protocols.

The run itself takes the same code paths as any other; only the addresses differ, and every screen says DEMO.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.demo.run import demo_settings, prepare_demo

__all__ = ["demo_settings", "prepare_demo"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "run": "demo_settings prepare_demo",
        },
    )
