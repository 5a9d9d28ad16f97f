"""`agent configuration` as a whole process over one image and over a hundred, on a loopback registry,
interleaved.

    python benchmarks/hundred_images.py [ROUNDS]

Every image is another one, with its own config.json and two shards. Prints the medians with a cold and with a
warm cache, and the ratio, which may be at most 5.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from image_facts import CONFIG, files
from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.demo.registry_blobs import File, Image, make_image, olot_layer

LIMIT = 5.0
MANY = 100


def seconds(manifest: Path, registry: DemoRegistry, cache: Path, count: int) -> float:
    """Time of one command; all images must have been read by their headers."""
    command = [str(Path(sys.executable).parent / "agent"), "configuration", "--config", str(manifest)]
    command += ["--registries-conf", str(registry.registries_conf_path), "--format", "json"]
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, capture_output=True, text=True, check=True
    )
    took = time.perf_counter() - started
    rows = json.loads(done.stdout)
    assert len(rows) == count
    assert all(row["sources"]["model_p_billion"] == "safetensors headers" for row in rows.values())
    return took


def hundred() -> dict[str, Image]:
    """The images, each with its own config.json."""
    shards = files(4)[2:]
    images = {}
    for number in range(MANY):
        config = File("config.json", (json.dumps(CONFIG | {"n": number}).encode(),))
        images[f"a/m{number}:1"] = make_image([olot_layer(config), *(olot_layer(shard) for shard in shards)])
    return images


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    times: dict[str, list[float]] = {"1 image": [], "100 images": [], "100 images, cached": []}
    with DemoRegistry(hundred()) as registry, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (1, MANY):
            items = [f"  - name: m{n}\n    image: oci://{registry.host}/a/m{n}:1\n" for n in range(count)]
            (folder / f"{count}.yaml").write_text("model-car:\n" + "".join(items))
        for number in range(rounds):
            times["1 image"].append(seconds(folder / "1.yaml", registry, folder / f"a{number}", 1))
            for kind in ("100 images", "100 images, cached"):
                times[kind].append(seconds(folder / f"{MANY}.yaml", registry, folder / f"b{number}", MANY))
    for kind, values in times.items():
        print(f"{kind:20} median {statistics.median(values):.2f} s")
    ratio = statistics.median(times["100 images"]) / statistics.median(times["1 image"])
    print(f"ratio                {ratio:.1f}  (limit {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
