"""Layers that are hostile, broken or too many: cleaned, refused, bounded, each with its reason."""

from __future__ import annotations

import asyncio
import json
import tarfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_kit import model_files, one_layer, pack
from small_kit import CODE, layers, link, pooling, tar, text

from modelcar_tui.demo.registry_blobs import TAR, Blob, make_image, olot_layer
from modelcar_tui.image.errors import ImageError, Trouble
from modelcar_tui.image.files.source import Budget
from modelcar_tui.image.files.survey import Survey, UnreadableError
from modelcar_tui.image.files.tree import BrokenLinkError, follow
from modelcar_tui.image.manifests import Descriptor, ImageManifest

MIB = 1 << 20


@pytest.mark.parametrize("how", ["", "gzip"])
async def test_the_last_layer_wins_and_marks_of_removal_count(read_small, how):
    below = tar(
        ("models/config.json", b'{"a": 1}'),
        ("models/tokenizer.json", b"{}"),
        ("models/vocab.json", b"{}"),
        ("models/additional_chat_templates/a.jinja", b"a"),
        ("models/merges.txt", b"m"),
    )
    above = tar(
        ("models/config.json", b'{"a": 2}'),
        ("models/.wh.vocab.json", b""),
        ("models/additional_chat_templates/.wh..wh..opq", b""),
        ("models/additional_chat_templates/b.jinja", b"b"),
    )
    found, _ = await read_small(layers(below, above, how=how))
    assert found.files == {
        "config.json": b'{"a": 2}',
        "merges.txt": b"m",
        "tokenizer.json": b"{}",
        "additional_chat_templates/b.jinja": b"b",
    }


@pytest.mark.parametrize(
    "target", ["../blobs/c0ffee", "/blobs/c0ffee", "current/c0ffee", "../models/./current/c0ffee"]
)
async def test_links_within_the_image_are_followed(read_small, target):
    raw = tar(
        ("blobs/c0ffee", b'{"linked": 1}'),
        link("models/current", "/blobs"),
        link("models/config.json", target),
        link("models/tokenizer.json", "blobs/c0ffee", tarfile.LNKTYPE),
    )
    found, _ = await read_small(layers(raw))
    assert found.files == {"config.json": b'{"linked": 1}', "tokenizer.json": b'{"linked": 1}'}


async def test_what_is_hostile_is_refused_with_its_reason(read_small):
    fifo, device = tarfile.TarInfo("models/merges.txt"), tarfile.TarInfo("models/vocab.json")
    fifo.type, device.type = tarfile.FIFOTYPE, tarfile.CHRTYPE
    raw = tar(
        ("models/config.json", b"{}"),
        fifo,
        device,
        link("models/tokenizer.json", "../../../etc/passwd"),
        link("models/tokenizer.model", "/nowhere"),
        link("models/tekken.json", "tekken.json"),
        ("models/../../vocab.txt", b"up"),
        ("models/\x1b[2Jvocab.txt", b"painted"),
        ("models/a\nvocab.txt", b"two lines"),
        ("/models/special_tokens_map.json", b"{}"),
    )
    found, _ = await read_small(layers(raw))
    assert list(found.files) == ["config.json", "special_tokens_map.json"]
    assert dict(found.left_out) == {
        "merges.txt": "is no regular file",
        "vocab.json": "is no regular file",
        "tokenizer.json": "is a link that leads out of the image",
        "tokenizer.model": "is a link to a file that is not there",
        "tekken.json": "is a link that leads in a circle",
    }


@pytest.mark.parametrize("image", ["own layer", "one layer", "one layer, gzip"])
async def test_a_claim_of_a_terabyte_is_not_believed(read_small, image):
    claim = tarfile.TarInfo("models/tokenizer.json")
    claim.size = 1 << 40
    raw = tar(("models/config.json", b"{}"))[:1024] + claim.tobuf(tarfile.GNU_FORMAT) + bytes(2048)
    if image == "own layer":
        said = {"olot.layer.content.inlayerpath": "/models/tokenizer.json"}
        own = Blob((claim.tobuf(tarfile.GNU_FORMAT) + bytes(9000),), TAR, said)
        made = make_image([olot_layer(text("config.json", {})), own])
    else:
        made = layers(raw, how="gzip" if "gzip" in image else "")
    found, _ = await read_small(made)
    assert list(found.files) == ["config.json"]
    assert "tokenizer.json" in dict(found.left_out)
    assert found.bytes_read < 200_000


async def test_a_layer_that_does_not_hold_what_it_is_said_to(read_small):
    said = {"olot.layer.content.inlayerpath": "/models/tokenizer.json"}
    other = Blob((tar(("models/shadow", b"x")),), TAR, said)
    packed = Blob(
        (pack(b"not a tar" * 100, "gzip")[0],), TAR, {"org.opencontainers.image.title": "models/vocab.json"}
    )
    found, _ = await read_small(make_image([olot_layer(text("config.json", {})), other, packed]))
    assert dict(found.left_out) == {
        "tokenizer.json": "is not in the layer that is said to hold it",
        "vocab.json": "is packed in a way that is not read",
    }


async def test_very_many_files_are_bounded_and_said(read_small):
    code = [(f"models/m{number}.py", b"x") for number in range(600)]
    others = [(f"models/x{number}", b"") for number in range(5_000)]
    raw = tar(
        ("models/config.json", json.dumps(CODE).encode()), *code, *others, ("models/tokenizer.json", b"{}")
    )
    found, _ = await read_small(layers(raw))
    assert len(found.files) == 400
    assert len(found.left_out) == 102
    assert found.left_out[0][1] == "is not among the 400 files that are read at most"
    assert found.left_out[-2:] == (
        ("101 more files", "not read either"),
        ("what follows x4398", "its layer was not followed further"),
    )


async def test_weights_in_a_compressed_layer_are_not_read_past(read_small):
    files = [*model_files(rows=20_000), text("zz.jinja", b"x")]
    found, _ = await read_small(one_layer("gzip", files), budget=MIB)
    assert list(found.files) == ["config.json", "generation_config.json"]
    assert found.left_out == (
        ("what follows model-00001-of-00004.safetensors", "its layer was not followed further"),
    )


async def test_a_broken_layer_is_said_beside_what_was_read(read_small):
    broken = Blob((b"\x1f\x8b" + b"\x00" * 100,), f"{TAR}+gzip")
    good = pack(tar(("models/config.json", b"{}")), "gzip")
    found, _ = await read_small(make_image([broken, Blob((good[0],), good[1])]))
    assert list(found.files) == ["config.json"]
    ((where, why),) = found.left_out
    assert where == f"layer {broken.digest[:19]}…"
    assert why.startswith("the image is malformed (gzip:")


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_torn_and_altered_layers_are_no_surprise(data):
    raw = bytearray(tar(*((f"models/{file.name}", b"".join(file.pieces)[:900]) for file in pooling())))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + 4] = data.draw(st.binary(min_size=0, max_size=8))
    how = data.draw(st.sampled_from(["", "gzip", "zstd"]))
    packed, kind = pack(bytes(raw[: data.draw(st.integers(0, len(raw)))]), how)
    layer = Descriptor(digest=Blob((packed,)).digest, size=len(packed), media_type=kind)

    async def fetch(_: Descriptor, start: int, length: int) -> bytes:
        return packed[start : start + length]

    async def look() -> None:
        survey = Survey(ImageManifest(digest="", config=None, layers=(layer,)), fetch, Budget(1 << 20))
        await survey.look()
        await survey.go_on(1 << 20)
        assert not any(error.kind is Trouble.SURPRISE for error in survey.faults)
        tree = survey.tree()
        for path in tree:
            assert ".." not in path.split("/")
            assert path.isprintable()
            with suppress(BrokenLinkError, UnreadableError, ImageError):
                found = follow(tree, path)
                if survey.is_at_hand(found):
                    assert len(await survey.read(path, found, 1 << 20)) == found.size

    asyncio.run(look())
