"""A hundred images of a registry 50 ms away against one of them, cold cache, without the start of a process.

    python benchmarks/far_images.py [ROUNDS]

The registry is another process and waits 50 ms before each answer. Prints the medians, how many requests were
under way at once at most, and the ratio, which may be at most 8.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from hundred_images import MANY, hundred
from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.image.inspect import inspect_images
from modelcar_tui.image.options import ImageOptions

LIMIT = 8.0
AWAY_S = 0.05


def serve() -> None:
    """Be the registry until standard input ends; prints host, registries.conf, and the most requests."""
    most = under_way = 0
    lock = threading.Lock()

    def count(_handler: object, _path: str) -> bool:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(AWAY_S)
        with lock:
            under_way -= 1
        return False

    with DemoRegistry(hundred()) as registry:
        registry.intercept = count
        print(registry.host, registry.registries_conf_path, flush=True)
        sys.stdin.read()
    print(most, flush=True)


async def seconds(host: str, options: ImageOptions, count: int) -> float:
    """Time until the facts of `count` images are there, all by the headers of their weights."""
    pairs = [(f"{host}/a/m{number}:1", f"m{number}") for number in range(count)]
    started = time.perf_counter()
    async for _, facts in inspect_images(pairs, options=options):
        assert facts.model.tensors is not None, facts.problems
    return time.perf_counter() - started


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    command = [sys.executable, __file__, "--serve"]
    times: dict[int, list[float]] = {1: [], MANY: []}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as registry:
        assert registry.stdin is not None
        assert registry.stdout is not None
        host, conf = registry.stdout.readline().split()
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds):
                for count, values in times.items():
                    cache = str(Path(folder) / f"{number}-{count}")
                    options = ImageOptions(registries_conf=conf, cache_dir=cache, use_skopeo=False)
                    values.append(asyncio.run(seconds(host, options, count)))
        registry.stdin.close()
        most = registry.stdout.read().strip()
    for count, values in times.items():
        print(f"{count:4} images  median {statistics.median(values):.2f} s")
    ratio = statistics.median(times[MANY]) / statistics.median(times[1])
    print(f"at most {most} requests at once; ratio {ratio:.1f}  (limit {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(main())
