"""The log path of QA: lines a second, memory over a million lines, and what the screen pays to read them.

    python benchmarks/qa_log.py [LINES]

Times are CPU seconds of this process, so a busy machine does not show.
"""

from __future__ import annotations

import base64
import resource
import sys
import tempfile
import time
from pathlib import Path

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.core.secrets import Redactor, teach
from modelcar_tui.qa.log import SpoolReader
from modelcar_tui.qa.log.lines import K8sFile
from modelcar_tui.qa.log.pipeline import Pipeline

CHUNK = 65_536
STAMP = b"2026-11-23T22:41:55.812861762+00:00 stdout F "


def memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(total: int) -> None:
    raw = (demo_logs() / "success.log").read_bytes().splitlines()
    block = b"".join(STAMP + line + b"\n" for line in raw)
    redact = Redactor()
    teach(base64.b64encode(b"somebody:a-long-password").decode())
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "qa.log"
        pipeline, decoder = Pipeline(spool, redact, lambda _: None), K8sFile()
        began, early, count = time.process_time(), 0.0, 0
        while count < total:
            for at in range(0, len(block), CHUNK):
                for line in decoder.feed(block[at : at + CHUNK]):
                    pipeline.take(line)
                    count += 1
            pipeline.flush(force=False)
            if not early and count > total / 10:
                early = memory_mib()
        took = time.process_time() - began
        pipeline.close()
        print(f"decode, clean, redact, parse, spool: {count:,} lines, {count / took:,.0f} lines a CPU second")
        print(f"memory: {early:.0f} MiB after a tenth, {memory_mib():.0f} MiB at the end")
        reader = SpoolReader(spool)
        began = time.process_time()
        for place in range(0, reader.count, max(reader.count // 500, 1)):
            reader.lines(place, 50)
        print(f"read 50 lines anywhere: {(time.process_time() - began) / 500 * 1e6:.0f} us")
        began = time.process_time()
        reader.search("no line holds this")
        print(f"search all lines: {time.process_time() - began:.2f} s")
        began = time.process_time()
        Pipeline(spool, redact, lambda _: None).close()
        print(f"open again after a crash: {time.process_time() - began:.3f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
