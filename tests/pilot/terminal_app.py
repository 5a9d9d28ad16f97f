"""The dashboard over a fake engine, as a program of its own for tests over a real pty."""

from __future__ import annotations

import fcntl
import signal
import sys
import termios
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from modelcar_tui.tui.run import run_dashboard
from modelcar_tui.tui.screens.opening import OPENERS
from pilot import support as s


def flood(path: str, per_second: int) -> None:
    """Lines that keep coming."""
    at = 0
    with Path(path).open("a", encoding="utf-8") as file:
        while True:
            numbers = range(at, at + per_second // 10)
            file.writelines(f"[QA] line {at} of a flood, as long as lines of a log are\n" for at in numbers)
            file.flush()
            at += per_second // 10
            time.sleep(0.1)


def crash() -> None:
    """A fault with a secret in a local variable."""
    password = "hunter2-secret"
    raise RuntimeError(f"could not log in with {password}")


def main() -> int:
    """`terminal_app.py idle|evil|flood|crash LOG [nohup]`, a session leader; its input becomes its
    terminal."""
    mode, log = sys.argv[1:3]
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if "nohup" in sys.argv:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if mode == "idle":
        engine = s.FakeEngine(s.decided())
    else:
        lines = ["\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x9b2J evil"] * 30 if mode == "evil" else ["first line"]
        Path(log).write_text("\n".join(lines) + "\n", encoding="utf-8")
        engine = s.FakeEngine(s.in_qa(log, len(lines)))
    if mode == "flood":
        threading.Thread(target=flood, args=(log, 1000), daemon=True).start()
    if mode == "crash":
        OPENERS["gpus"] = lambda board: crash()
    return run_dashboard(engine, initial=None, mouse=False, ascii=False, theme=None, low_bandwidth=False)


sys.exit(main())
