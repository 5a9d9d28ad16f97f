"""What the encoder takes while vLLM profiles.

The peaks are vLLM's own: each release's model was built on PyTorch's meta device with two layers of its
language model, its embed_multimodal was called with one profiling batch, and the bytes of all living tensors
were followed, those that went in among them.
"""

from __future__ import annotations

from functools import cache

import msgspec
import pytest

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.buffers import step_buffers
from modelcar_tui.memory.encoder import Encoded, encoded
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import describe_model
from modelcar_tui.models.towers.items import ItemLimits, largest_items
from modelcar_tui.models.towers.media import media_of
from modelcar_tui.models.towers.processor import with_processor
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support import vllm_data

_NO_VIDEO = '--limit-mm-per-prompt={"video": 0}'
_SHORT = ("--max-model-len=8192", "--max-num-batched-tokens=8192")


@cache
def configs():
    return {row["id"]: row["config"] for row in vllm_data.lines("configs.jsonl")}


def started(name: str, release: str, *args: str, gpu: str = "NVIDIA-H200", tp: int = 1) -> Start:
    config = configs()[name]
    asked = read_engine_args((*args, f"--tensor-parallel-size={tp}"), None, release)
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="bfloat16", overrides=None)
    assert not isinstance(model, str)
    return start_of(model, gpu_for(gpu, count=tp), asked, profile_for(release))


def run(name: str, release: str, *args: str, gpu: str = "NVIDIA-H200", tp: int = 1) -> Encoded:
    return encoded(started(name, release, *args, gpu=gpu, tp=tp))


@pytest.mark.parametrize(
    ("name", "release", "tp", "gib"),
    [
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.20.2", 1, 2.264),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.20.2", 2, 1.842),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.20.2", 4, 1.560),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.20.2", 8, 1.486),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.14.1", 4, 1.551),
        ("Qwen/Qwen3.5-27B", "0.26.0", 2, 1.467),
        ("qwen2.5-vl-7b", "0.20.2", 1, 2.462),
        ("qwen2.5-vl-7b", "0.20.2", 4, 1.418),
        ("gemma-3-27b", "0.11.2", 1, 3.370),
        ("gemma-3-27b", "0.20.2", 1, 3.371),
        ("gemma-3-27b", "0.20.2", 4, 2.095),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "0.20.2", 1, 1.269),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "0.20.2", 4, 0.574),
        ("OpenGVLab/InternVL3-8B", "0.20.2", 1, 0.642),
    ],
)
def test_the_peak_is_that_of_vllms_own_encoder(name, release, tp, gib):
    found = run(name, release, *_SHORT, _NO_VIDEO, tp=tp)
    assert found.peak / GIB == pytest.approx(gib, rel=0.04)


@pytest.mark.parametrize(("tp", "gib"), [(1, 2.127), (4, 1.573)])
def test_images_are_kept_apart_by_a_mask_where_xformers_has_no_kernel(tp, gib):
    """24,200 x 24,200 of two images of 1540 x 1540 (pixtral.py generate_block_attention_mask)."""
    dense = run("mistral-small-3.1-24b", "0.20.2", *_SHORT, gpu="NVIDIA-B200", tp=tp).peak / GIB
    assert dense == pytest.approx(gib, rel=0.05)
    flash = run("mistral-small-3.1-24b", "0.20.2", *_SHORT, tp=tp).peak / GIB
    assert dense - flash == pytest.approx(24200**2 * 2 / GIB, rel=0.01)


def test_up_to_0_12_each_output_is_copied_into_a_tensor_of_the_whole_budget():
    """Qwen3-VL's budget counts 12.5 places for each of a video's 12,288 tokens (get_max_video_tokens)."""
    found = run("Qwen/Qwen3-VL-30B-A3B-Instruct", "0.11.0", "--max-num-batched-tokens=2048", tp=4)
    assert found.budget == 153600
    assert found.copies == 153600 * 4 * 2048 * 2
    assert found.kept == (12288 * 4 * 2048 + 12288 * 4 * 3 * 2 * 16 * 16) * 2
    assert run("Qwen/Qwen3-VL-30B-A3B-Instruct", "0.13.0", tp=4).copies == 0
    many = run("gemma-3-27b", "0.11.2", *_SHORT)
    assert many.copies == 32 * 8192 * 5376 * 2


def test_the_four_3090_that_could_not_hold_qwen3_vl_at_its_whole_context_are_not_said_to_start():
    """4 x RTX 3090, 0.11.0: 2.31 GiB were logged, and one request of 131,072 tokens needs 3.00."""
    facts = ModelFacts(config=configs()["Qwen/Qwen3-VL-30B-A3B-Instruct"])
    args = read_engine_args(("--tensor-parallel-size=4", "--max-model-len=131072"), None, "0.11.0")
    found = estimate(facts, gpu_for("NVIDIA GeForce RTX 3090", count=4), args, vllm="0.11.0")
    assert found.outcome in (Outcome.REFUSED_KV, Outcome.UNKNOWN)
    assert found.kv_available_gib.low < 2.31 < found.kv_available_gib.high < 3.1


@pytest.mark.parametrize(
    ("release", "context", "tokens"),
    [
        ("0.9.2", 128000, 98304),  # an image is taken off first
        ("0.10.2", 128000, 114688),
        ("0.19.0", 128000, 114688),
        ("0.19.0", 40000, 32768),
        ("0.19.0", 8192, 16384),
    ],
)
def test_a_video_of_qwen2_5_vl_grows_with_the_context(release, context, tokens):
    media = media_of(configs()["qwen2.5-vl-7b"], "Qwen2_5_VLForConditionalGeneration")
    number = tuple(int(part) for part in release.split(".")[:2])
    asked = ItemLimits(release=number, context=context)
    if release == "0.10.2":  # the patch that no longer takes it off
        asked = msgspec.structs.replace(asked, images=False)
    assert largest_items(media, asked)["video"].tokens == tokens


def test_what_switches_it_off_or_makes_it_smaller():
    name, release = "qwen2.5-vl-7b", "0.19.0"
    whole = run(name, release, "--max-model-len=128000")
    images = run(name, release, "--max-model-len=128000", _NO_VIDEO)
    small = run(name, release, _NO_VIDEO, '--mm-processor-kwargs={"max_pixels": 1003520}', "--max-num-seqs=1")
    sized = '--limit-mm-per-prompt={"video": 0, "image": {"count": 1, "width": 1120, "height": 896}}'
    bounded = run(name, release, sized, "--max-num-seqs=1", "--max-num-batched-tokens=1280")
    assert whole.peak > images.peak > small.peak > 0
    assert "1280 tokens" in small.note and "1280 tokens" in bounded.note
    nothing = '--limit-mm-per-prompt={"image": 0, "video": 0}'
    for off in ("--language-model-only", "--skip-mm-profiling", nothing):
        assert run(name, release, off).peak == 0.0


@pytest.mark.parametrize(
    ("name", "release", "pixels", "size"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", "0.16.0", "video, 12288", "image, 490"),  # videos have a size alone
        ("Qwen/Qwen3-VL-8B-Instruct", "0.17.0", "image, 490", "image, 490"),  # qwen3_vl.py takes either
        ("qwen2.5-vl-7b", "0.16.0", "video, 4480", "video, 4480"),
        ("zai-org/GLM-4.5V", "0.19.0", "image, 6144", "video, 7680"),
        ("moonshotai/Kimi-VL-A3B-Instruct", "0.19.0", "image, 1024", "image, 1024"),  # it counts patches
        ("rednote-hilab/dots.ocr", "0.19.0", "image, 640", "image, 640"),
    ],
)
def test_fewer_pixels_count_where_the_processor_of_the_largest_item_hears_them(name, release, pixels, size):
    asked = (name, release, "--max-model-len=8192", "--max-num-batched-tokens=2048")
    flat = '--mm-processor-kwargs={"max_pixels": 501760}'
    sized = '--mm-processor-kwargs={"size": {"shortest_edge": 3136, "longest_edge": 501760}}'
    assert f"largest {pixels} tokens" in run(*asked, flat).note
    assert f"largest {size} tokens" in run(*asked, sized).note


def test_whole_items_are_shared_by_gpus_that_keep_the_tower_whole():
    """`--mm-encoder-tp-mode data`: of two chunks of Kimi K2.5 each GPU runs one at most."""
    asked = ("moonshotai/Kimi-K2.5", "0.20.2", *_SHORT)
    alone, data = run(*asked), run(*asked, "--mm-encoder-tp-mode=data", tp=8)
    assert "2 x the largest vision chunk, 4096 tokens" in data.note
    assert data.kept == alone.kept
    assert data.peak < alone.peak


def test_features_for_inner_layers_have_buffers_of_their_own():
    start = started("Qwen/Qwen3-VL-235B-A22B-Instruct", "0.20.2", "--max-num-batched-tokens=8192", tp=4)
    assert step_buffers(start) == 3 * 8192 * 4096 * 2
    assert step_buffers(started("Qwen/Qwen3.5-27B", "0.26.0")) == 0.0
    assert step_buffers(started("gemma-3-27b", "0.20.2")) == 0.0


def test_an_encoder_that_was_not_read_leaves_a_tight_start_unknown():
    facts = ModelFacts(config=configs()["Cosmos3EdgeForConditionalGeneration"])

    def outcome(*args):
        asked = read_engine_args((*args, "--max-model-len=8192"), None, "0.33.0")
        return estimate(facts, gpu_for("NVIDIA-L4"), asked, vllm="0.33.0")

    roomy = outcome()
    assert roomy.outcome is Outcome.STARTS
    share = 1 - (roomy.kv_available_gib.value - 3) / roomy.requested_gib.value
    tight = f"--gpu-memory-utilization={0.92 * share:.3f}"
    assert outcome(tight).outcome is Outcome.UNKNOWN
    assert "encoder" in outcome(tight).why
    off = '--limit-mm-per-prompt={"image": 0, "video": 0}'
    assert outcome(tight, off).outcome is Outcome.STARTS


def test_the_sizes_in_the_models_own_processor_files_win():
    """A Qwen2.5-VL whose preprocessor_config.json allows 1,003,520 pixels: 1,280 tokens of 28 x 28."""
    config = configs()["qwen2.5-vl-7b"]
    facts = ModelFacts(config=config, processors={"image": {"max_pixels": 1003520}})
    model = describe_model(facts, quantization=None, dtype="bfloat16", overrides=None)
    assert not isinstance(model, str) and model.shape.tower is not None
    found = largest_items(model.shape.tower.media, ItemLimits(release=(0, 19), context=8192))
    assert found["image"].tokens == 1280
    assert found["video"].tokens == 6 * 1280
    whole = media_of(configs()["Qwen/Qwen3-VL-8B-Instruct"], "Qwen3VLForConditionalGeneration")
    size = {"size": {"longest_edge": 4194304, "shortest_edge": 4096}}
    smaller = largest_items(with_processor(whole, size, size), ItemLimits(release=(0, 19), context=8192))
    assert (smaller["image"].tokens, smaller["video"].tokens) == (4096, 2048)


def test_internvl_takes_videos_where_its_language_model_has_a_mark_for_them():
    asked = ItemLimits(release=(0, 19), context=32768)
    frames = (32768 - 13 * 256) // 256
    with_marks = largest_items(media_of(configs()["OpenGVLab/InternVL3-8B"], "InternVLChatModel"), asked)
    assert with_marks["video"].rows == frames * 1025
    assert set(
        largest_items(media_of(configs()["OpenGVLab/InternVL2_5-8B"], "InternVLChatModel"), asked)
    ) == {"image"}


def test_the_second_model_runner_profiles_no_encoder_before_0_27():
    """It serves dense models without states by default (config/vllm.py _is_default_v2_model_runner_model)."""
    for release, profiled in (("0.24.0", True), ("0.25.0", False), ("0.26.0", False), ("0.28.0", True)):
        assert (run("gemma-3-27b", release, *_SHORT).peak > 0) is profiled
    assert run("Qwen/Qwen3-VL-30B-A3B-Instruct", "0.26.0", *_SHORT).peak > 0
    assert run("Qwen/Qwen3.5-27B", "0.26.0", *_SHORT).peak > 0


def test_the_old_engine_runs_as_many_images_as_a_step_takes():
    """One of 16,384 tokens; Qwen2.5-VL-7B on a T4 logged a peak of 2.71 GiB."""
    found = run("qwen2.5-vl-7b", "0.7.3", "--max-model-len=4096", gpu="NVIDIA-T4")
    assert found.note.startswith("1 x the largest image")
    assert found.peak / GIB == pytest.approx(2.71, rel=0.04)


def test_a_step_that_must_take_whole_images_is_large_enough_for_one():
    facts = ModelFacts(config=configs()["Qwen/Qwen3-VL-8B-Instruct"])

    def outcome(*more):
        args = read_engine_args(
            ("--disable-chunked-mm-input", "--max-model-len=32768", *more), None, "0.19.0"
        )
        return estimate(facts, gpu_for("NVIDIA-H200"), args, vllm="0.19.0")

    small = outcome("--max-num-batched-tokens=8192")
    assert small.outcome is Outcome.REFUSED_ARGS
    assert "max_tokens_per_mm_item (16384) is larger than max_num_batched_tokens (8192)" in small.error
    assert outcome("--max-num-batched-tokens=16384").outcome is Outcome.STARTS
    smaller = '--mm-processor-kwargs={"size": {"longest_edge": 4194304, "shortest_edge": 4096}}'
    assert outcome("--max-num-batched-tokens=8192", smaller).outcome is Outcome.STARTS
