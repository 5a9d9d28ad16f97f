"""What is soaked: the dashboard over a real engine, or the engine alone; it measures itself when asked."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcar_tui.supervisor import Approve, Engine, Settings

TRACE = "MODELCAR_TUI_SOAK_TRACE"
"""Where it is set, each measurement names the lines of code that hold more memory than at the first."""
GREW = 12
_first: list[tracemalloc.Snapshot] = []


def grew() -> list[str]:
    """The lines whose memory has grown most since the first call."""
    if TRACE not in os.environ:
        return []
    now = tracemalloc.take_snapshot()
    _first.append(now)
    del _first[1:]
    return [str(one) for one in now.compare_to(_first[0], "lineno")[:GREW] if one.size_diff > 0]


class Counted(Engine):
    """Counts how often the cluster was read again."""

    reads = 0

    def look_again(self, done: Callable[[str], None]) -> None:
        """See `Engine.look_again`."""

        def told(line: str) -> None:
            done(line)
            self.reads += 1

        super().look_again(told)


def settings(folder: Path, manifest: Path, recording: Path, approve: str) -> Settings:
    """Of a run over the stubs whose files stand in `folder`."""
    return Settings(
        manifest=str(manifest),
        kubeconfig=str(folder / "kubeconfig"),
        registries_conf=str(folder / "registries.conf"),
        qa_recording=str(recording),
        state_dir=str(folder / "state"),
        approve=Approve(approve),
        qa=True,
        llm=False,
    )


def measured(engine: Counted) -> dict[str, Any]:
    """This process after a collection of garbage."""
    gc.collect()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    times = os.times()
    return {
        "rss_mib": pages * os.sysconf("SC_PAGE_SIZE") / 1024**2,
        "blocks": sys.getallocatedblocks(),
        "grew": grew(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "cpu_s": times.user + times.system,
        "reads": engine.reads,
        "lines": engine.state.qa.log.lines,
        "finished": engine.state.finish is not None,
    }


def serve(path: str, engine: Counted) -> None:
    """Answer each line with one: `m` measures, `c` counts, `r` reads the cluster again."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    client, _ = server.accept()
    with client, client.makefile("rw") as stream:
        for line in stream:
            match line.strip():
                case "m":
                    answer = measured(engine)
                case "r":
                    engine.look_again(lambda _: None)
                    answer = {}
                case _:
                    state = engine.state
                    answer = {
                        "reads": engine.reads,
                        "lines": state.qa.log.lines,
                        "finished": state.finish is not None,
                    }
            stream.write(json.dumps(answer) + "\n")
            stream.flush()


def main(how: str, folder: str, manifest: str, recording: str) -> int:
    """`how` is `dashboard` or `headless`."""
    if TRACE in os.environ:
        tracemalloc.start()
    here = Path(folder)
    shown = how == "dashboard"
    engine = Counted(settings(here, Path(manifest), Path(recording), "ask" if shown else "all"))
    name = f"{folder}/{how}.sock"
    threading.Thread(target=serve, args=(name, engine), name="measure", daemon=True).start()
    if shown:
        from modelcar_tui.commands.dashboard import SWITCH_S
        from modelcar_tui.tui import run_dashboard

        sys.setswitchinterval(SWITCH_S)
        return int(run_dashboard(engine, mouse=False))
    engine.start()
    while sys.stdin.readable() and not (here / "headless.end").exists():
        engine.drain()
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
