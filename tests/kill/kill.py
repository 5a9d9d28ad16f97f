"""Kill runs with SIGKILL at every point, resume them, and hold them against undisturbed ones.

`python tests/kill/kill.py` takes every event, checkpoint and step of a file of every scene, and random
moments; `--dashboard` and `--podman` kill the dashboard and real QA. One line of JSON a kill, a table at the
end; exit status 1 where one came to something else.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "pty"))
import kill_dashboard
import kill_podman
from kill_headless import Bench, Killed
from kill_points import KINDS, Point
from kill_scenes import load, parts, scenes

from support import containers


def planned(bench: Bench, *, stride: int, moments: int, again: int, seed: int) -> Iterator[tuple[Point, ...]]:
    """Every `stride`-th point of each kind, random moments, and runs whose resumes are killed, too."""
    chance = random.Random(f"{bench.scene.name} {seed}")
    for kind in KINDS:
        yield from ((point,) for point in bench.points((kind,))[chance.randrange(stride) :: stride])
    for _ in range(moments):
        yield (Point("random", round(chance.uniform(0, bench.seconds), 3)),)
    every = bench.points()
    for number in range(again):
        yield tuple(chance.choice(every) for _ in range(2 + number % 2))


def of_scene(name: str, options: argparse.Namespace) -> list[Killed]:
    """All kills of one scene."""
    load()
    with tempfile.TemporaryDirectory(prefix="kill-") as folder, parts(Path(folder) / "parts") as served:
        bench = Bench(scenes()[name], Path(folder), served)
        plan = planned(
            bench, stride=options.stride, moments=options.moments, again=options.again, seed=options.seed
        )
        mine = [points for n, points in enumerate(plan) if n % options.shares == options.share]
        return [_told(bench.kill(*points)) for points in mine]


def of_dashboard(count: int, seed: int) -> list[Killed]:
    """So many kills of the dashboard, over all phases in turn, each some moments later."""
    chance, phases = random.Random(f"dashboard {seed}"), kill_dashboard.PHASES
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        plain = kill_dashboard.undisturbed(Path(folder))
        return [
            _told(
                kill_dashboard.killed_in(Path(folder), phases[n % len(phases)], chance.uniform(0, 1), plain)
            )
            for n in range(count)
        ]


def of_podman(count: int, seed: int) -> list[Killed]:
    """So many kills of whole runs while a container runs QA."""
    if reason := containers.missing():
        raise SystemExit(reason)
    os.environ.update(containers.environment())
    chance, phases = random.Random(f"podman {seed}"), kill_podman.PHASES
    with (
        tempfile.TemporaryDirectory(prefix="kill-") as folder,
        parts(Path(folder) / "parts") as served,
    ):
        site = kill_podman.Site(Path(folder), served)
        try:
            plain = kill_podman.undisturbed(site)
            return [
                _told(
                    kill_podman.killed_in(
                        site,
                        phases[n % len(phases)],
                        chance.uniform(0, 1),
                        plain,
                        group=n // len(phases) % 2 > 0,
                    )
                )
                for n in range(count)
            ]
        finally:
            site.lay_out()


def _told(killed: Killed) -> Killed:
    print(killed.line(), flush=True)
    return killed


def table(killed: list[Killed], out: TextIO = sys.stderr) -> None:
    """A line a scene and kind: kills, identical, behind the end, failures."""
    rows: dict[tuple[str, str], Counter[str]] = {}
    for one in killed:
        kind = one.points[0].kind if len(one.points) == 1 else f"{len(one.points)} times"
        row = rows.setdefault((one.scene, kind), Counter())
        row["kills"] += one.killed
        row["runs"] += 1
        row["same"] += not one.wrong
    for (scene, kind), row in rows.items():
        print(
            f"{scene:<10} {kind:<14} {row['runs']:>5} runs {row['kills']:>5} kills {row['same']:>5} same",
            file=out,
        )


def main() -> int:
    """The whole matrix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", action="append", choices=list(scenes()), help="by default all")
    parser.add_argument("--stride", type=int, default=1, help="every n-th point")
    parser.add_argument("--moments", type=int, default=30, help="random moments a scene")
    parser.add_argument("--again", type=int, default=10, help="runs a scene whose resumes are killed, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--dashboard", type=int, default=30, metavar="N", help="kills of the dashboard")
    parser.add_argument("--podman", type=int, default=20, metavar="N", help="kills while podman runs QA")
    parser.add_argument("--no-headless", action="store_true", help="leave out runs without a screen")
    options = parser.parse_args()
    began = time.monotonic()
    names = [] if options.no_headless else options.scene or list(scenes())
    shares = [argparse.Namespace(**vars(options), share=n, shares=options.jobs) for n in range(options.jobs)]
    with get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        work = [(name, share) for name in names for share in shares]
        killed = [one for share in pool.starmap(of_scene, work, chunksize=1) for one in share]
    killed += of_dashboard(options.dashboard, options.seed) if options.dashboard else []
    killed += of_podman(options.podman, options.seed) if options.podman else []
    table(killed)
    wrong = [one for one in killed if one.wrong]
    kills = sum(one.killed for one in killed)
    spent = time.monotonic() - began
    print(
        f"{len(killed)} runs, {kills} kills, {len(wrong)} not as undisturbed; {spent:.0f} s", file=sys.stderr
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
