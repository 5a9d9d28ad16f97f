"""The demo's model-cars have the facts of the real models."""

from __future__ import annotations

import shutil

import pytest

from modelcar_tui.core.facts import GIB, Source
from modelcar_tui.demo.registry import start_demo_registry
from modelcar_tui.image import read_small_files
from modelcar_tui.image.inspect import inspect_image, inspect_images
from modelcar_tui.trial.files import UNPACKED

REAL = {
    "rhelai1/modelcar-granite-3-1-8b-instruct:1.5": (8_170_848_256, 16, "", 15.22),
    "rhelai1/modelcar-granite-3-1-8b-instruct-fp8-dynamic:1.5": (8_170_848_256, 8, "fp8", 7.80),
    "rhelai1/modelcar-llama-3-1-8b-instruct:1.5": (8_030_261_248, 16, "", 14.96),
    "rhelai1/modelcar-llama-3-1-8b-instruct-quantized-w4a16:1.5": (8_030_261_248, 4, "w4a16", 5.31),
    "rhelai1/modelcar-whisper-large-v3-turbo-quantized-w4a16:1.5": (808_878_080, 4, "w4a16", 0.49),
    "rhelai1/modelcar-llama-3-3-70b-instruct:1.5": (70_553_706_496, 16, "", 131.42),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    registry = start_demo_registry(registries_conf=tmp_path_factory.mktemp("demo") / "registries.conf")
    yield registry
    registry.stop()


@pytest.mark.parametrize("name", REAL)
async def test_facts_under_the_real_name(demo, options, name):
    parameters, bits, quantization, gib = REAL[name]
    facts = await inspect_image(f"oci://registry.redhat.io/{name}", options=options(demo))
    model = facts.model
    assert facts.problems == ()
    assert (model.parameters.value, model.parameters.source) == (parameters, Source.HEADERS)
    assert (model.bits.value, model.quantization_name.value) == (bits, quantization)
    assert model.weight_bytes.value / GIB == pytest.approx(gib, abs=0.01)
    assert facts.size_bytes.value / GIB == pytest.approx(gib, abs=0.03)
    assert facts.bytes_read < 8 << 20
    assert facts.layout == "olot"


async def test_the_seed_image_size_is_met(demo, options):
    """The predecessor printed 15.24 GiB for the real granite image."""
    reference = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"
    facts = await inspect_image(reference, options=options(demo))
    assert facts.size_bytes.value / GIB == pytest.approx(15.24, abs=0.02)
    assert "amd64" in facts.architectures.value


@pytest.mark.real
async def test_skopeo_honours_the_same_remap(demo, options):
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    reference = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"
    facts = await inspect_image(reference, options=options(demo, use_skopeo=True))
    assert facts.problems == ()
    assert "skopeo" in facts.size_bytes.note
    many = [
        facts
        async for _, facts in inspect_images(
            [(reference, "")] * 2, options=options(demo, use_skopeo=True, use_cache=False, skopeo_up_to=1)
        )
    ]
    assert all("skopeo" not in facts.size_bytes.note for facts in many), (
        "a large run asks skopeo for gaps only"
    )


async def test_a_try_of_a_demo_model_gets_its_tokenizer(demo, options):
    reference = f"oci://registry.redhat.io/{next(iter(REAL))}"
    found = await read_small_files(reference, options=options(demo), budget=UNPACKED)
    assert {"config.json", "tokenizer.json"} <= set(found.files) and found.left_out == ()
