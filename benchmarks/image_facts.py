"""Facts of an image against pulling it: bytes and time, for each layout; and many images against one.

    .venv/bin/python benchmarks/image_facts.py [--mb 400] [--images 100]

Needs docker-registry and skopeo. Prints ratios; the limits are those of the issue tracker's third issue.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.demo.registry_blobs import TAR, Blob, File, Image, make_image, olot_layer, tar_bytes
from modelcar_tui.image.inspect import inspect_image, inspect_images
from modelcar_tui.image.options import ImageOptions
from support.oci_registry import RealRegistry, missing  # type: ignore[import-not-found]

CONFIG = {"architectures": ["LlamaForCausalLM"], "hidden_size": 1024, "torch_dtype": "bfloat16"}


def files(megabytes: int) -> list[File]:
    """Four shards of bf16-like bytes: random mantissas, few exponents."""
    out = [File("README.md", (b"# x\n" * 500,)), File("config.json", (json.dumps(CONFIG).encode(),))]
    rows = megabytes * 1_000_000 // 4 // 20 // 2048
    size = rows * 2048
    for number in range(4):
        told = {
            f"model.layers.{number * 20 + layer}.mlp.up_proj.weight": {
                "dtype": "BF16",
                "shape": [rows, 1024],
                "data_offsets": [layer * size, (layer + 1) * size],
            }
            for layer in range(20)
        }
        raw = json.dumps(told).encode()
        head = len(raw).to_bytes(8, "little") + raw
        data = random.Random(number).randbytes(20 * size)
        out.append(File(f"model-{number + 1:05d}-of-00004.safetensors", (head + data,)))
    index = {"metadata": {"total_size": 80 * size}}
    out.append(File("model.safetensors.index.json", (json.dumps(index).encode(),)))
    out.append(File("tokenizer.json", (random.Random(9).randbytes(1 << 20).hex().encode(),)))
    return out


def packed(raw: bytes, how: str) -> Blob:
    """A layer."""
    if how == "gzip":
        return Blob((gzip.compress(raw, 1),), f"{TAR}+gzip")
    if how == "zstd":
        return Blob((zstandard.ZstdCompressor().compress(raw),), f"{TAR}+zstd")
    return Blob((raw,), TAR)


def layouts(megabytes: int) -> dict[str, Image]:
    """The same model in each layout."""
    told = files(megabytes)
    return {
        "olot": make_image([olot_layer(file) for file in told]),
        "layer per file": make_image([packed(tar_bytes([file]), "") for file in told]),
        "layer per file, gzip": make_image([packed(tar_bytes([file]), "gzip") for file in told]),
        "one layer": make_image([packed(tar_bytes(told), "")]),
        "one layer, gzip": make_image([packed(tar_bytes(told), "gzip")]),
        "one layer, zstd": make_image([packed(tar_bytes(told), "zstd")]),
    }


def against_copy(folder: Path, megabytes: int) -> None:
    """Each layout: our bytes and time, and skopeo copy's time."""
    registry = RealRegistry(folder / "registry", secure=False)
    options = ImageOptions(registries_conf=registry.registries_conf(), use_cache=False)
    print(
        f"{'layout':22} {'bytes':>10} {'of image':>9} {'facts s':>8} {'+skopeo':>8} {'copy s':>7} "
        f"{'ratio':>6}"
    )
    try:
        for number, (name, image) in enumerate(layouts(megabytes).items()):
            registry.push(f"a/m{number}", "1", image)
            size = sum(blob.size for blob in image.blobs.values())
            reference = f"oci://{registry.host}/a/m{number}:1"
            without = ImageOptions(registries_conf=options.registries_conf, use_cache=False, use_skopeo=False)
            asyncio.run(
                inspect_image(reference, options=without)
            )  # imports and connections are not what is measured
            started = time.perf_counter()
            facts = asyncio.run(inspect_image(reference, options=without))
            alone = time.perf_counter() - started
            started = time.perf_counter()
            asyncio.run(inspect_image(reference, options=options))
            both = time.perf_counter() - started
            started = time.perf_counter()
            target = folder / f"copy{number}"
            subprocess.run(
                [
                    "skopeo",
                    "copy",
                    "--quiet",
                    "--src-tls-verify=false",
                    f"docker://{registry.host}/a/m{number}:1",
                    f"dir:{target}",
                ],
                check=True,
                stdin=subprocess.DEVNULL,
            )
            copy = time.perf_counter() - started
            print(
                f"{name:22} {facts.bytes_read:10,} {facts.bytes_read / size:9.3%} {alone:8.3f} {both:8.3f} "
                f"{copy:7.2f} {both / copy:6.3f}  {facts.model.parameters.source}"
            )
    finally:
        registry.stop()


def many(count: int, skopeo: bool, latency_s: float) -> None:
    """`count` images side by side against one."""
    told = files(4)
    images = {}
    for number in range(count):
        config = File("config.json", (json.dumps(CONFIG | {"n": number}).encode(),))
        images[f"a/m{number}:1"] = make_image([olot_layer(config), *(olot_layer(file) for file in told[2:])])
    with DemoRegistry(images, latency_s=latency_s) as registry:
        options = ImageOptions(
            registries_conf=str(registry.registries_conf_path),
            use_cache=False,
            use_skopeo=skopeo,
            per_host=32,
        )
        references = [f"oci://{registry.host}/{name}" for name in images]
        asyncio.run(inspect_image(references[0], options=options))
        started = time.perf_counter()
        asyncio.run(inspect_image(references[0], options=options))
        one = time.perf_counter() - started

        async def every() -> int:
            pairs = [(reference, "") for reference in references]
            return sum(
                [facts.model.tensors is not None async for _, facts in inspect_images(pairs, options=options)]
            )

        started = time.perf_counter()
        good = asyncio.run(every())
        total = time.perf_counter() - started
    how = f"latency {latency_s * 1000:3.0f} ms, skopeo {skopeo!s:5}"
    print(f"{how}: one {one:6.3f} s, {count} ({good} whole) {total:6.2f} s, ratio {total / one:5.1f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mb", type=int, default=400)
    parser.add_argument("--images", type=int, default=100)
    told = parser.parse_args()
    if reason := missing():
        print(f"skipped: {reason}")
        return
    with tempfile.TemporaryDirectory(prefix="modelcar-bench-") as folder:
        against_copy(Path(folder), told.mb)
    for latency_s in (0.0, 0.05):
        for skopeo in (False, True):
            many(told.images, skopeo, latency_s)


if __name__ == "__main__":
    main()
