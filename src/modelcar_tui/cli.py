"""`modelcar-tui FILE`: the dashboard, or `agent` where there is no usable terminal."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status.

    Without `argv` the process is ours: its signals, its streams and its end.
    """
    if argv is None:
        gc.disable()  # nothing to collect while modules load: begun again after the first paint
    from modelcar_tui.commands.guard import guarded, own_process
    from modelcar_tui.commands.start import run

    return own_process(lambda: run(None)) if argv is None else guarded(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
