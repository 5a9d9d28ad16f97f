"""Images whose layers unpack to far more than they have: what is held of them, and looked at, has an end."""

from __future__ import annotations

import tarfile

import pytest
import zstandard
from image_kit import pack
from small_kit import layers, tar, text

from modelcar_tui.core.errors import UserError
from modelcar_tui.demo.registry_blobs import Blob, make_image, olot_layer
from modelcar_tui.image.files import survey as surveying
from modelcar_tui.image.files.source import Budget, Packed
from modelcar_tui.image.files.survey import Survey
from modelcar_tui.image.files.tree import LayerFiles, Place, merged
from modelcar_tui.image.manifests import Descriptor, ImageManifest

MIB = 1 << 20


def bomb(name: str, size: int, number: int) -> bytes:
    """A file of zeros: some 2 KB of zstd, with a frame of its own so that no two are alike."""
    told = tarfile.TarInfo(name)
    told.size = size
    whole = zstandard.ZstdCompressor().compress(told.tobuf(tarfile.GNU_FORMAT) + bytes(20 * MIB))
    return whole + b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + number.to_bytes(4, "little")


def surveyed(raws: list[bytes]) -> Survey:
    kept = [(Descriptor(digest=Blob((raw,)).digest, size=len(raw), media_type=""), raw) for raw in raws]
    content = {descriptor.digest: raw for descriptor, raw in kept}

    async def fetch(layer: Descriptor, start: int, length: int) -> bytes:
        return content[layer.digest][start : start + length]

    manifest = ImageManifest(digest="", config=None, layers=tuple(descriptor for descriptor, _ in kept))
    return Survey(manifest, fetch, Budget(48 * MIB))


def held(survey: Survey) -> int:
    """Bytes that streams have decoded and keep."""
    return sum(len(each.source._buffer) for each in survey.layers if isinstance(each.source, Packed))


async def test_a_stream_that_is_not_followed_further_gives_up_what_it_decoded():
    survey = surveyed([bomb("models/x", 0, number) for number in range(12)])
    await survey.look()
    assert len(survey.tree()) == 1
    assert held(survey) == 0


async def test_few_layers_stand_at_a_large_file_and_the_others_are_said():
    survey = surveyed([bomb(f"models/{number}.model", 10 * MIB, number) for number in range(30)])
    await survey.look()
    assert sum(each.waits_at is not None for each in survey.layers) == surveying._MOST_WAITING
    assert held(survey) <= surveying._MOST_WAITING * 8 * MIB
    assert sum(each.ends_after.endswith(".model") for each in survey.layers) == 30 - surveying._MOST_WAITING
    await survey.go_on(48 * MIB)
    assert held(survey) == 0
    assert sum(len(place.data or b"") for place in survey.tree().values()) <= 48 * MIB


async def test_names_of_all_layers_have_one_bound(read_small, monkeypatch):
    monkeypatch.setattr(surveying, "_MOST_MEMBERS", 500)
    names = [tar(*((f"models/{layer}-{number}", b"") for number in range(300))) for layer in range(4)]
    survey = surveyed(names)
    await survey.look()
    assert 500 <= len(survey.tree()) <= 504
    found, _ = await read_small(layers(tar(("models/config.json", b"{}")), *names, how="gzip"))
    assert list(found.files) == ["config.json"]
    assert "its layer was not followed further" in dict(found.left_out).values()


def test_many_layers_that_each_take_something_away_cost_their_own_names_once():
    rows = [
        LayerFiles(
            places={f"m/{layer}/{number}": Place(layer=layer, size=0) for number in range(50)},
            gone={f"m/{layer - 1}"},
        )
        for layer in range(400)
    ]
    rows.append(LayerFiles(places={"m/7/0": Place(layer=400, size=1)}))
    tree = merged(rows)
    assert len(tree) == 51
    assert tree["m/7/0"].layer == 400


async def test_sparse_files_and_the_contents_of_folders_are_no_files(read_small):
    sparse = tarfile.TarInfo("models/tokenizer.json")
    sparse.type, sparse.size = tarfile.GNUTYPE_SPARSE, 0
    folder = tarfile.TarInfo("models/vocab.json")
    folder.type = tarfile.DIRTYPE
    found, _ = await read_small(layers(tar(("models/config.json", b"{}"), sparse, folder), how="gzip"))
    assert list(found.files) == ["config.json"]
    assert found.left_out == (("tokenizer.json", "is no regular file"),)


async def test_an_image_of_bombs_ends_in_one_line(read_small):
    with pytest.raises(UserError, match=r"no config\.json of a model was found in this image"):
        await read_small(make_image([Blob((bomb("models/x", 0, number),)) for number in range(4)]))


async def test_layers_of_their_own_that_grow_side_by_side_stay_within_the_budget(read_small):
    """Each would fit alone; six are read at once."""
    grown = []
    for number in range(12):
        raw, kind = pack(tar((f"models/{number}.model", bytes(3 * MIB) + bytes([number]))), "gzip")
        grown.append(Blob((raw,), kind, {"olot.layer.content.inlayerpath": f"/models/{number}.model"}))
    found, _ = await read_small(make_image([olot_layer(text("config.json", {})), *grown]), budget=8 * MIB)
    assert len(found.files) == 3
    assert sum(map(len, found.files.values())) <= 8 * MIB
    assert len(found.left_out) == 10
    assert all("at most" in why for _, why in found.left_out)
