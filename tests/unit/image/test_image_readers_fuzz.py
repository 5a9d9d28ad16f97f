"""Whatever a reader is fed, it answers with facts or with its own kind of fault."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from image_kit import model_files, pack, shard

from modelcar_tui.demo.registry_blobs import tar_bytes
from modelcar_tui.image.errors import ImageError
from modelcar_tui.image.files.count import count_parameters, dominant_bits
from modelcar_tui.image.files.declared import declared, quantization_part
from modelcar_tui.image.files.found import Found, model_facts
from modelcar_tui.image.files.layers import read_layers
from modelcar_tui.image.files.safetensors import parse_header
from modelcar_tui.image.files.source import Budget
from modelcar_tui.image.manifests import Descriptor, ImageManifest, parse_manifest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
WORDS = st.sampled_from(
    [
        "quantization_config",
        "config_groups",
        "weights",
        "num_bits",
        "bits",
        "quant_method",
        "quant_algo",
        "format",
        "torch_dtype",
        "text_config",
        "type",
        "input_activations",
        "quantization",
        "dtype",
        "shape",
        "data_offsets",
    ]
)
KNOWN = st.recursive(
    st.none() | st.integers(-2, 300) | st.sampled_from(["fp8", "int", "float", "awq", "BF16", "NVFP4"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
RAW = tar_bytes(model_files(rows=64))


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(WORDS, KNOWN, max_size=6))
def test_any_configuration_is_declared_something(config):
    name, bits = declared(config, quantization_part(config, {}))
    assert name is None or name.isprintable()
    assert bits is None or 0 < bits <= 64


@settings(deadline=None)
@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_safetensors_header(raw):
    try:
        header = parse_header(raw, data_size=1000)
    except ImageError:
        return
    assert header.bytes <= 1000
    assert count_parameters(header.groups, 4) >= 0
    dominant_bits(header.groups)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text(max_size=30), st.dictionaries(WORDS, KNOWN, max_size=4), max_size=4))
def test_headers_with_the_right_words(data):
    with suppress(ImageError):
        assert parse_header(json.dumps(data).encode(), data_size=1 << 20).bytes <= 1 << 20


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_manifest(raw):
    try:
        parse_manifest(raw)
    except ValueError as error:
        assert str(error).isprintable()


async def read(blob: bytes, size: int, media_type: str) -> Found:
    async def fetch(layer, start, length):
        return blob[start : start + length]

    found = Found()
    layer = Descriptor(digest="sha256:" + "0" * 64, size=size, media_type=media_type)
    manifest = ImageManifest(digest="", config=None, layers=(layer,))
    reading = await read_layers(manifest, fetch, found, Budget(1 << 22))
    assert reading.bytes_read <= 1 << 22
    model_facts(found)
    return found


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["", "gzip", "zstd"]),
    st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, len(RAW)),
    st.booleans(),
)
async def test_any_damage_to_a_layer(how, patches, cut, inside):
    raw = bytearray(RAW)
    if inside:
        for offset, patch in patches:
            raw[offset : offset + len(patch)] = patch
    blob = pack(bytes(raw), how)[0]
    if not inside:
        damaged = bytearray(blob)
        for offset, patch in patches:
            damaged[offset % len(blob) : offset % len(blob) + len(patch)] = patch
        blob = bytes(damaged)[: max(1, cut % len(blob))]
    await read(blob, len(blob), f"x.tar+{how}" if how else "x.tar")


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=1, max_size=2000))
async def test_any_bytes_as_a_layer(blob):
    await read(blob, len(blob), "x.tar")


def test_the_kit_is_well_formed():
    raw = shard(0, 8)
    length = int.from_bytes(raw[:8], "little")
    assert parse_header(raw[8 : 8 + length], data_size=len(raw) - 8 - length).bytes == len(raw) - 8 - length
