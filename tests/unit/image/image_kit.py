"""Small models in every layout that is found in the wild."""

from __future__ import annotations

import gzip
import json
import random
from math import prod

import zstandard

from modelcar_tui.demo.registry_blobs import TAR, Blob, File, Image, make_image, olot_layer, tar_bytes

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "torch_dtype": "bfloat16",
    "vocab_size": 512,
}
SHARDS = 4


def shard(number: int, rows: int = 4096) -> bytes:
    """A shard with real bytes that do not compress well."""
    shapes = {
        f"model.layers.{number}.mlp.up_proj.weight": (rows, 64),
        f"model.layers.{number}.norm.weight": (64,),
    }
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = prod(shape) * 2
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + random.Random(number).randbytes(offset)


def model_files(rows: int = 4096) -> list[File]:
    """Sorted as buildah writes them."""
    names = [f"model-{number + 1:05d}-of-{SHARDS:05d}.safetensors" for number in range(SHARDS)]
    total = SHARDS * (rows * 64 + 64) * 2
    files = [
        File("README.md", (b"# model\n" * 200,)),
        File("config.json", (json.dumps(CONFIG).encode(),)),
        File("generation_config.json", (b'{"top_p": 0.9}',)),
        *(File(name, (shard(number, rows),)) for number, name in enumerate(names)),
        File("model.safetensors.index.json", (json.dumps({"metadata": {"total_size": total}}).encode(),)),
        File("tokenizer.json", (random.Random(9).randbytes(30_000).hex().encode(),)),
    ]
    return sorted(files, key=lambda file: file.name)


PARAMETERS = SHARDS * (4096 * 64 + 64)
WEIGHT_BYTES = PARAMETERS * 2
TOTAL = sum(file.size for file in model_files())


def pack(raw: bytes, how: str) -> tuple[bytes, str]:
    """Compressed bytes and their media type."""
    if how == "gzip":
        return gzip.compress(raw, 6, mtime=0), f"{TAR}+gzip"
    if how == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(raw), f"{TAR}+zstd"
    return raw, TAR


def base_layer() -> Blob:
    """A gzipped layer with the files of a small operating system."""
    files = [
        File("etc/os-release", (b"NAME=test\n",)),
        File("usr/lib64/libc.so", (random.Random(1).randbytes(900_000),)),
    ]
    return Blob((gzip.compress(tar_bytes(files).replace(b"models/", b"rootfs/"), mtime=0),), f"{TAR}+gzip")


def one_layer(how: str, files: list[File] | None = None) -> Image:
    raw, kind = pack(tar_bytes(files or model_files()), how)
    return make_image([base_layer(), Blob((raw,), kind)])


def layer_per_file(how: str, files: list[File] | None = None) -> Image:
    layers = []
    for file in files or model_files():
        raw, kind = pack(tar_bytes([file]), how)
        layers.append(Blob((raw,), kind))
    return make_image([base_layer(), *layers])


def olot(architectures: tuple[str, ...] = ("amd64",), files: list[File] | None = None) -> Image:
    return make_image([base_layer(), *(olot_layer(file) for file in files or model_files())], architectures)


def artifact(files: list[File] | None = None) -> Image:
    """As oras pushes: raw files with a title."""
    layers = [
        Blob(file.pieces, "application/octet-stream", {"org.opencontainers.image.title": file.name})
        for file in files or model_files()
    ]
    return make_image(layers)


LAYOUTS = {
    "olot": olot,
    "index": lambda: olot(("arm64", "amd64", "ppc64le")),
    "artifact": artifact,
    "one layer, uncompressed": lambda: one_layer(""),
    "one layer, gzip": lambda: one_layer("gzip"),
    "one layer, zstd": lambda: one_layer("zstd"),
    "file per layer, uncompressed": lambda: layer_per_file(""),
    "file per layer, gzip": lambda: layer_per_file("gzip"),
    "file per layer, zstd": lambda: layer_per_file("zstd"),
}
