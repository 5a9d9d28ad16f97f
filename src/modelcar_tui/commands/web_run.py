"""A run that the page has started: it takes its terminal and its secrets, then is `modelcar-tui`.

`python -m modelcar_tui.commands.web_run NUMBER ARGUMENTS`: NUMBER is the pipe with the secrets.
"""

from __future__ import annotations

import fcntl
import gc
import sys
import termios
from contextlib import suppress


def main(words: list[str]) -> int:
    """Returns the exit status of the run."""
    gc.disable()  # as the command line does
    with suppress(OSError):
        # The terminal hangs up when the server is gone, however that ended.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    from modelcar_tui.core.handed import take_handed

    take_handed(int(words[0]))
    from modelcar_tui.commands.guard import own_process
    from modelcar_tui.commands.start import run

    return own_process(lambda: run(words[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
