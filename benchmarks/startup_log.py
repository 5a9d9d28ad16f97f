"""What a start-up log of vLLM costs to read: a million lines, and lines of a megabyte.

    python benchmarks/startup_log.py [LINES]

Times are CPU seconds of this process. At most 10 s for a million lines; it takes 4.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from modelcar_tui.vllm import StartupLog

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.fake_vllm import Start, played  # type: ignore[import-not-found]

HOSTILE = ("A: error: ", "\r", "[", "a.b", "(Worker ", "\x1b[", "{", '{"message"')
ACCESS = (
    'INFO:     10.0.0.1:5 - "GET /health HTTP/1.1" 200 OK',
    "(APIServer pid=1) INFO 12-01 00:00:00 [a.py:1] x",
)


def main(total: int) -> int:
    """Print the times; 1 where they are too long."""
    lines = [said.text for said in played(Start("0.33.0"))] + list(ACCESS) * 60
    began = time.process_time()
    log = StartupLog()
    for at in range(total):
        log.feed(lines[at % len(lines)])
    took = time.process_time() - began
    print(f"{total} lines of a start and of its server: {took:.1f} s")
    began = time.process_time()
    for text in HOSTILE * 10:
        log.feed(text * (2**20 // len(text)))
    hostile = time.process_time() - began
    print(f"{len(HOSTILE) * 10} lines of 1 MiB: {hostile:.2f} s")
    return 1 if took > total / 1e5 or hostile > 1 else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
