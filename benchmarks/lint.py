"""CPU of `agent lint` over many manifests, as one process: published argument lists, no two of them alike.

    python benchmarks/lint.py [--files 1000] [--models 5] [--vllm 0.19.1] [--profile]

Prints the seconds of CPU of the whole process, its start included, and the findings; `--profile` runs it in
this process and prints where the time goes.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import json
import pstats
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

LISTS = Path(__file__).parents[1] / "tests" / "data" / "vllm" / "lists.jsonl"
PUBLISHED = ("p", "real-", "collected-")


def write_manifests(folder: Path, files: int, models: int) -> list[str]:
    """Manifests of several models each; a seed of its own keeps every list from being a copy of another."""
    rows = [json.loads(line) for line in LISTS.read_text("utf-8").splitlines()]
    lists = [row["args"] for row in rows if row["id"].rstrip("0123456789") in PUBLISHED]
    paths = []
    for number in range(files):
        lines = ["model-car:"]
        for at in range(number * models, (number + 1) * models):
            lines += [f"  - name: m{at}", f"    image: oci://quay.io/x/y:{at}", "    serving_arguments:"]
            lines += ["      gpu_count: 1", "      args:", f"        - --seed={at}"]
            lines += [f"        - {json.dumps(arg)}" for arg in lists[at % len(lists)]]
        path = folder / f"{number}.base.yaml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        paths.append(str(path))
    return paths


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--vllm", default="0.19.1")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_manifests(Path(folder), options.files, options.models)
        if options.profile:
            _profile(paths, options.vllm)
            return
        words = [sys.executable, "-m", "modelcar_tui.agent", "lint", "--vllm", options.vllm, *paths]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{options.files} manifests, {options.files * options.models} models: "
            f"{used.ru_utime + used.ru_stime:.1f} s of CPU, {done.stdout.count(chr(10))} findings"
        )


def _profile(paths: list[str], vllm: str) -> None:
    from modelcar_tui.commands.lint import run_lint

    profiler = cProfile.Profile()
    with contextlib.redirect_stdout(io.StringIO()):
        profiler.runcall(run_lint, paths, vllm=vllm, form="text")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
