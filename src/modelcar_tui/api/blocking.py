"""Functions that wait for a network with a loop of their own."""

from __future__ import annotations

import asyncio


def refuse_in_loop(name: str, instead: str = "") -> None:
    """Stop a function that waits where an event loop runs: that loop would stand still.

    Args:
        name: The function's, as it is called.
        instead: What to write there; `await asyncio.to_thread(name, ...)` by default.

    Raises:
        RuntimeError: a loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    instead = instead or f"await asyncio.to_thread({name}, ...)"
    raise RuntimeError(f"{name} waits for its answer and would stop the event loop of this thread: {instead}")
