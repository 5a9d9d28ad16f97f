from __future__ import annotations

import os
import stat
from pathlib import Path

from image_kit import PARAMETERS, model_files, olot

from modelcar_tui.core.facts import Source
from modelcar_tui.image.inspect import inspect_image, inspect_images


async def test_a_second_run_makes_one_conditional_request_a_model(serve, options):
    kinds = (("arm64", "amd64"), ("amd64",))
    images = {f"a/model-{number}:1": olot(kinds[number % 2]) for number in range(10)}
    registry = serve(images)
    pairs = [(f"oci://{registry.host}/{name}", name) for name in images]
    first = {index: facts async for index, facts in inspect_images(pairs, options=options(registry))}
    registry.requests.clear()
    registry.bytes_sent = 0
    second = {index: facts async for index, facts in inspect_images(pairs, options=options(registry))}
    assert len(registry.requests) == 10
    assert registry.bytes_sent == 0
    for index, before in first.items():
        assert second[index].model.tensors == before.model.tensors
        assert second[index].model.parameters.value == PARAMETERS
        assert second[index].architectures.value == before.architectures.value == kinds[index % 2]
        assert second[index].digest == before.digest
        assert second[index].bytes_read == 0


async def test_a_moved_tag_is_read_again(serve, options):
    registry = serve({"a/model:1": olot()})
    reference = f"oci://{registry.host}/a/model:1"
    await inspect_image(reference, options=options(registry))
    registry.images["a/model:1"] = olot(files=model_files(rows=8192))
    facts = await inspect_image(reference, options=options(registry))
    assert facts.model.parameters.value == 4 * (8192 * 64 + 64)


async def test_offline_the_cache_still_speaks(serve, options):
    registry = serve({"a/model:1": olot()})
    reference = f"oci://{registry.host}/a/model:1"
    await inspect_image(reference, options=options(registry))
    registry.requests.clear()
    facts = await inspect_image(reference, options=options(registry, offline=True))
    assert registry.requests == []
    assert facts.model.parameters.value == PARAMETERS
    assert facts.problems == ()
    other = await inspect_image(f"oci://{registry.host}/a/foo-7b:1", options=options(registry, offline=True))
    assert other.model.parameters.source is Source.NAME
    assert [problem.code for problem in other.problems] == ["offline"]


async def test_corrupted_and_foreign_entries_are_ignored(serve, options):
    registry = serve({"a/model:1": olot()})
    reference = f"oci://{registry.host}/a/model:1"
    await inspect_image(reference, options=options(registry))
    files = list(Path(options(registry).cache_dir).rglob("*.json"))
    assert len(files) == 2
    for junk in (b"", b"{", b"null", b'{"version": 99}', b"\xff" * 100, b"[" * 100_000):
        for path in files:
            path.write_bytes(junk)
        facts = await inspect_image(reference, options=options(registry))
        assert facts.model.parameters.value == PARAMETERS
        assert facts.problems == ()


async def test_the_cache_is_private_and_may_be_unwritable(serve, options, tmp_path):
    registry = serve({"a/model:1": olot()})
    reference = f"oci://{registry.host}/a/model:1"
    await inspect_image(reference, options=options(registry))
    for path in Path(options(registry).cache_dir).rglob("*.json"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    facts = await inspect_image(reference, options=options(registry, cache_dir=str(blocked)))
    assert facts.model.parameters.value == PARAMETERS


async def test_what_failed_half_way_is_not_kept(serve, options):
    registry = serve({"a/model:1": olot()})
    reference = f"oci://{registry.host}/a/model:1"
    registry.intercept = lambda handler, path: "/blobs/" in path and (handler.error(500, "X") or True)
    broken = await inspect_image(reference, options=options(registry))
    assert broken.problems
    assert broken.size_bytes.known
    registry.intercept = None
    assert (await inspect_image(reference, options=options(registry))).model.parameters.value == PARAMETERS
