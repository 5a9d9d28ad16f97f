from __future__ import annotations

import json

import pytest
from image_kit import (
    CONFIG,
    LAYOUTS,
    PARAMETERS,
    TOTAL,
    WEIGHT_BYTES,
    layer_per_file,
    model_files,
    olot,
    one_layer,
)

from modelcar_tui.core.facts import Source
from modelcar_tui.demo.registry_blobs import Blob, File, make_image, olot_layer
from modelcar_tui.image.inspect import inspect_image, inspect_images

WHOLE = [name for name in LAYOUTS if name not in ("one layer, gzip", "one layer, zstd")]


@pytest.mark.parametrize("name", WHOLE)
async def test_every_shard_is_counted_for_a_fraction_of_the_bytes(serve, options, name):
    registry = serve({"a/model:1": LAYOUTS[name]()})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert facts.problems == ()
    model = facts.model
    assert model.config == CONFIG
    assert model.generation_config == {"top_p": 0.9}
    assert (model.parameters.value, model.parameters.source) == (PARAMETERS, Source.HEADERS)
    assert (model.weight_bytes.value, model.weight_bytes.source) == (WEIGHT_BYTES, Source.HEADERS)
    assert (model.bits.value, model.quantization_name.value) == (16, "")
    assert {(group.pattern, group.count) for group in model.tensors} == {
        ("model.layers.{}.mlp.up_proj.weight", 4),
        ("model.layers.{}.norm.weight", 4),
    }
    assert facts.bytes_read < TOTAL
    assert registry.bytes_sent <= facts.bytes_read + 20_000
    if name not in ("index", "artifact"):
        assert facts.layout == name
    assert facts.architectures.value == (("arm64", "amd64", "ppc64le") if name == "index" else ("amd64",))


@pytest.mark.parametrize("how", ["gzip", "zstd"])
async def test_one_compressed_layer_gives_config_and_honest_bounds(serve, options, how):
    image = one_layer(how, model_files(rows=80_000))
    registry = serve({"a/model:1": image})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", "m", options=options(registry))
    assert facts.model.config == CONFIG
    assert facts.model.tensors is None
    truth = 4 * (80_000 * 64 + 64)
    assert facts.model.parameters.source is Source.LAYERS
    assert facts.model.parameters.low <= truth <= facts.model.parameters.high
    assert facts.model.weight_bytes.low <= truth * 2 <= facts.model.weight_bytes.high
    assert facts.bytes_read <= 512 * 1024
    assert facts.layout == f"one layer, {how}"


async def test_a_sum_in_the_index_serves_where_headers_cost_too_much(serve, options):
    registry = serve({"a/model:1": olot()})
    facts = await inspect_image(
        f"oci://{registry.host}/a/model:1", options=options(registry, byte_budget=60_000)
    )
    assert facts.model.config == CONFIG
    assert facts.model.tensors is None or facts.model.parameters.value == PARAMETERS
    assert facts.model.weight_bytes.value == pytest.approx(WEIGHT_BYTES, rel=0.01)
    assert facts.bytes_read <= 60_000


async def test_a_tiny_budget_leaves_the_sizes_of_the_annotations(serve, options):
    registry = serve({"a/model:1": olot()})
    facts = await inspect_image(
        f"oci://{registry.host}/a/model:1", options=options(registry, byte_budget=1000)
    )
    assert facts.model.weight_bytes.source is Source.LAYERS
    assert facts.model.weight_bytes.value == pytest.approx(WEIGHT_BYTES, rel=0.03)
    assert any(problem.code == "image-byte-budget" for problem in facts.problems)


async def test_mistrals_second_copy_is_not_counted_twice(serve, options):
    files = [*model_files(), File("consolidated.safetensors", model_files()[3].pieces)]
    for image in (olot(files=files), layer_per_file("", files), one_layer("", files)):
        registry = serve({"a/model:1": image})
        facts = await inspect_image(
            f"oci://{registry.host}/a/model:1", options=options(registry, use_cache=False)
        )
        assert facts.model.parameters.value == PARAMETERS


async def test_a_pooling_config_in_a_subfolder_is_not_the_models(serve, options):
    files = [File("1_Pooling/config.json", (b'{"pooling": true}',)), *model_files()]
    for image in (olot(files=files), one_layer("", files)):
        registry = serve({"a/model:1": image})
        facts = await inspect_image(
            f"oci://{registry.host}/a/model:1", options=options(registry, use_cache=False)
        )
        assert facts.model.config == CONFIG


async def test_a_missing_shard_is_not_overlooked(serve, options):
    files = [file for file in model_files() if "00002" not in file.name]
    registry = serve({"a/model:1": olot(files=[file for file in files if "index" not in file.name])})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert facts.model.tensors is None
    assert facts.model.parameters.source is not Source.HEADERS


async def test_an_image_without_a_model_says_so(serve, options):
    registry = serve({"a/foo-7b:1": make_image([Blob((b"hello" * 1000,), "text/plain")])})
    facts = await inspect_image(f"oci://{registry.host}/a/foo-7b:1", options=options(registry))
    assert facts.layout == "no model found"
    assert facts.model.parameters.source is Source.NAME


async def test_quantized_weights_are_unpacked(serve, options):
    header = {
        "layers.0.q_proj.weight_packed": {"dtype": "I32", "shape": [64, 8], "data_offsets": [0, 2048]},
        "layers.0.q_proj.weight_scale": {"dtype": "BF16", "shape": [64, 1], "data_offsets": [2048, 2176]},
        "layers.0.q_proj.weight_shape": {"dtype": "I64", "shape": [2], "data_offsets": [2176, 2192]},
    }
    raw = json.dumps(header).encode()
    weights = File("model.safetensors", (len(raw).to_bytes(8, "little") + raw, 2192))
    scheme = {
        "config_groups": {"g": {"weights": {"num_bits": 4, "type": "int"}}},
        "quant_method": "compressed-tensors",
    }
    config = File("config.json", (json.dumps({"quantization_config": scheme}).encode(),))
    registry = serve({"a/model:1": make_image([olot_layer(config), olot_layer(weights)])})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert facts.model.parameters.value == 64 * 64
    assert (facts.model.bits.value, facts.model.quantization_name.value) == (4, "w4a16")
    assert facts.model.quantization == scheme


def with_config(size: int) -> list[File]:
    """A model whose config.json names so many bytes' worth of quantized layers."""
    names = [f"model.layers.{number}.mlp.up_proj" for number in range(size // 40)]
    raw = json.dumps({**CONFIG, "quantized_layers": names, "padding": " "})
    raw = raw.replace('" "', f'"{" " * (size - len(raw) + 1)}"')
    assert len(raw) == size
    return [File("config.json", (raw.encode(),)), *(f for f in model_files() if f.name != "config.json")]


@pytest.mark.parametrize("image", [olot, layer_per_file, one_layer])
@pytest.mark.parametrize("size", [2_400_000, 12_000_000])
async def test_a_config_that_names_each_quantized_layer_is_read(serve, options, image, size):
    files = with_config(size)
    made = olot(files=files) if image is olot else image("", files)
    registry = serve({"a/model:1": made})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert len(facts.model.config["quantized_layers"]) == size // 40
    assert facts.model.parameters.value == PARAMETERS
    assert facts.problems == ()
    before = registry.bytes_sent
    again = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert again.model.config == facts.model.config
    assert registry.bytes_sent - before < 20_000, "the second look is the cache's"


async def test_a_config_too_large_to_be_read_is_said_to_be_there(serve, options):
    registry = serve({"a/model:1": olot(files=with_config(17_000_000))})
    facts = await inspect_image(f"oci://{registry.host}/a/model:1", options=options(registry))
    assert facts.model.config is None
    assert facts.model.unread == "config.json has 16.2 MiB, and at most 16 are read"
    assert [problem.what for problem in facts.problems] == [facts.model.unread]
    assert facts.model.parameters.value == PARAMETERS


async def test_many_images_side_by_side_keep_their_places(serve, options):
    images = {f"a/model-{number}:1": olot() for number in range(12)}
    registry = serve(images, latency_s=0.01)
    pairs = [(f"oci://{registry.host}/{name}", name) for name in images]
    pairs.insert(3, ("oci://127.0.0.1:1/none/foo-7b:1", "foo-7b"))
    pairs.insert(5, ("not a reference", "bar-8b"))
    seen = {}
    async for index, facts in inspect_images(pairs, options=options(registry)):
        seen[index] = facts
    assert sorted(seen) == list(range(14))
    assert seen[3].model.parameters.value == 7_000_000_000
    assert seen[5].problems[0].code == "image-reference"
    good = [facts for index, facts in seen.items() if index not in (3, 5)]
    assert all(facts.model.parameters.value == PARAMETERS for facts in good)
    assert all(facts.problems == () for facts in good)
