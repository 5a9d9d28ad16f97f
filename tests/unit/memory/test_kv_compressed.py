"""DeepSeek V4's caches, page by page (vllm models/deepseek_v4/{attention,compressor}.py).

Each layer has a window of latents of 584 B: 64 of them in a page, on the next multiple of 576 B. A layer that
compresses has what it makes of each `ratio` tokens, an indexer's key where it is four, and the tokens that
are about to be compressed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from kv_kit import groups, plan, planned, specs, started

from modelcar_tui.memory.kv.layers import layers_of
from modelcar_tui.memory.kv.plan import Plan
from support import vllm_data

FLASH: dict[str, Any] = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Flash", "none")
PRO: dict[str, Any] = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Pro", "none")
WINDOW, LATENT_4, LATENT_128, KEY, OPEN_4, OPEN_128, OPEN_KEY = (
    37_440,
    37_440,
    1728,
    8640,
    32_832,
    32_832,
    8640,
)
"""Pages of: a window, 64 x 584 = 37,376 B; 256 / 4 and 256 / 128 latents, 37,376 and 1,168 B; 64 keys of
132 B, 8,448 B; four tokens of 2 x 2 x 512 32-bit numbers, 32,768 B, and eight of half as many; four of
4 x 128 in 32 bits, 8,192 B."""


def pages(config: dict[str, Any], rank: tuple[int, int], *args: str, vllm: str = "0.33.0") -> dict[Any, int]:
    """Layers by tokens of a block, window and page of a cache; a window of 0: all tokens are kept."""
    found: Counter[tuple[int, int, int]] = Counter()
    for spec, count in layers_of(started(config, *args, vllm=vllm), rank):
        found[spec.block, spec.window, spec.page] += count
    return dict(found)


def test_a_layer_that_compresses_nothing_has_its_window_alone() -> None:
    """Flash's first two layers."""
    assert FLASH["compress_ratios"][:4] == [0, 0, 4, 128]
    assert pages(FLASH, (0, 2)) == {(64, 128, WINDOW): 2}
    assert pages({**FLASH, "compress_ratios": [1] * 44}, (0, 43)) == {(64, 128, WINDOW): 43}


def test_a_layer_that_compresses_four_tokens_has_an_indexer_and_two_open_groups() -> None:
    """Its groups overlap: the last eight tokens are kept, four a block."""
    assert pages(FLASH, (2, 3)) == {
        (64, 128, WINDOW): 1,
        (256, 0, LATENT_4): 1,
        (256, 0, KEY): 1,
        (4, 8, OPEN_KEY): 1,
        (4, 8, OPEN_4): 1,
    }


def test_a_layer_that_compresses_128_tokens_keeps_as_many_open_eight_a_block() -> None:
    assert pages(FLASH, (3, 4)) == {
        (64, 128, WINDOW): 1,
        (256, 0, LATENT_128): 1,
        (8, 128, OPEN_128): 1,
    }


def test_latents_are_kept_for_all_tokens_and_the_rest_for_the_last_ones() -> None:
    """A window of 128 and of 8 tokens beside those of two batches of 777."""
    found = specs(FLASH, "--max-num-batched-tokens=777", vllm="0.33.0")
    assert {(spec.kind, spec.reach, spec.spare) for spec in found} == {
        ("mla", 0, 0),
        ("window", 127 + 2 * 777, 1),
        ("window", 7 + 2 * 777, 1),
    }


def test_a_block_that_is_asked_for_is_one_of_tokens_before_compression() -> None:
    """512 tokens are 128 latents, 74,752 B, or four, 2,336 B, and 128 keys, 16,896 B; windows keep their
    own."""
    found = pages(FLASH, (2, 4), "--block-size=512")
    assert {(block, page) for block, window, page in found if not window} == {
        (512, 74_880),
        (512, 2880),
        (512, 17_280),
    }
    assert {(block, page) for block, window, page in found if window} == {
        (64, WINDOW),
        (4, OPEN_4),
        (4, OPEN_KEY),
        (8, OPEN_128),
    }


def test_nothing_of_it_is_split() -> None:
    assert pages(FLASH, (0, 43), "--tensor-parallel-size=8") == pages(FLASH, (0, 43))


def test_half_the_layers_are_half_the_caches() -> None:
    """Pro has no layer without compression: 31 layers of 128 and 30 of four tokens."""
    assert sum(pages(PRO, (0, 61)).values()) == 31 * 3 + 30 * 5
    assert sum(pages(PRO, (0, 30)).values()) == 16 * 3 + 14 * 5


FIVE = [("mla", 62), ("window", 22), ("window", 21), ("window", 42), ("window", 20)]


@pytest.mark.parametrize(
    ("vllm", "block", "checked"),
    [
        ("0.20.2", 22 * (1728 + 8640 + 37_440), 22 * (1728 + 8640 + 37_440)),
        ("0.23.0", 1_039_680, 22 * (1728 + 8640 + 37_440)),
        ("0.24.0", 1_039_680, 22 * (1728 + 8640 + 37_440)),
        ("0.26.0", 1_039_680, 22 * (1728 + 8640 + 37_440)),
        ("0.27.0", 1_002_240, 22 * (1728 + 8640 + 37_440)),
        ("0.28.0", 1_002_240, 22 * (1728 + 8640 + 37_440)),
        ("0.29.0", 1_002_240, 1_002_240),
        ("0.33.0", 1_002_240, 1_002_240),
    ],
)
def test_flashs_caches_are_five_groups_in_one_block(vllm: str, block: int, checked: int) -> None:
    """21 layers compress four tokens and 20 compress 128, of 43 windows.

    Latents and keys: 21 x (37,440 + 8,640) + 20 x 1,728 = 1,002,240 B, the largest group. Before 0.27 the
    slots of each page: 22 of 37,440, as many as windows in a group, 21 of 8,640 and 20 of 1,728 B; before
    0.23 22 of each. Before 0.29 the check counted a latent of each kind for each of 22 layers.
    """
    slots = 22 * WINDOW + 21 * KEY + 20 * LATENT_128
    even = 22 * (WINDOW + KEY + LATENT_128)
    assert block in (21 * (LATENT_4 + KEY) + 20 * LATENT_128, slots, even)
    found = plan(FLASH, vllm=vllm)
    assert (found.block_bytes, found.checked_bytes) == (block, checked)
    assert groups(found) == FIVE


@pytest.mark.parametrize(
    ("args", "gib", "logged"),
    [
        (("--max-model-len=800000", "--max-num-batched-tokens=512"), 21.47, 3_731_334),
        (("--max-model-len=8192", "--max-num-batched-tokens=8192"), 13.85, 27_042),
    ],
)
def test_before_0_24_a_request_is_counted_in_pages_of_all_layers_of_a_group(
    args: tuple[str, ...], gib: float, logged: int
) -> None:
    """Pro on eight cards, as two logs of 0.20.2 have it; the logged GiB have two decimals."""
    found = planned(PRO, *args, "--tensor-parallel-size=8", vllm="0.20.2", gpu=vllm_data.CARD)
    assert isinstance(found, Plan)
    assert found.block_bytes == 31 * (WINDOW + KEY + LATENT_128)
    length = int(args[0].partition("=")[2])
    blocks = found.block_count(gib * 2**30)
    assert found.tokens(blocks, length, as_concurrency=True) == pytest.approx(logged, rel=0.0006)
    of_all = 30 * (LATENT_4 + KEY) + 31 * LATENT_128
    windows = [(61, 64, WINDOW, 127), (31, 8, WINDOW, 127), (30, 4, WINDOW + KEY, 7)]
    batch = int(args[1].partition("=")[2])
    bytes_of_one = -(-length // 256) * of_all + sum(
        count * page * (-(-min(length, reach + batch) // block) + 1) for count, block, page, reach in windows
    )
    assert found.request_blocks(length) == -(-bytes_of_one // of_all)


def answers() -> list[tuple[str, dict[str, Any]]]:
    rows = ((release, row) for release in vllm_data.releases("memory.jsonl") for row in _kept(release))
    return [(release, row) for release, row in rows if "DeepSeek-V4" in row["id"] and "concurrency" in row]


def _kept(release: str) -> list[dict[str, Any]]:
    return vllm_data.lines(release, "memory.jsonl")


@pytest.mark.parametrize(("release", "answer"), answers(), ids=lambda part: str(part)[:40])
def test_blocks_groups_and_requests_at_once_are_vllms(release: str, answer: dict[str, Any]) -> None:
    (job,) = [row for row in vllm_data.lines("jobs.jsonl") if row["id"] == answer["id"]]
    config = vllm_data.config_of(job["model"], job.get("scheme", "none"))
    asked = (*job.get("args", ()), f"--tensor-parallel-size={job.get('tp', 1)}")
    found = planned(config, *asked, vllm=release, gpu=vllm_data.CARD)
    assert isinstance(found, Plan)
    blocks = found.block_count(job.get("kv_gib", 40.0) * 2**30)
    assert (blocks, len(found.groups)) == (answer["blocks"], answer["groups"])
    assert found.concurrency(blocks, answer["context"]) == pytest.approx(answer["concurrency"], rel=1e-12)
    told = Counter[int]()
    for name, count in answer["specs"].items():
        told[int(name.partition(":")[2])] += count
    start = started(config, *asked, vllm=release, gpu=vllm_data.CARD)
    ours = Counter[int]()
    for spec, count in layers_of(start, (0, start.model.shape.layers)):
        ours[spec.page] += count
    assert ours == told


def test_there_are_answers_of_both_sizes_and_of_releases_that_pack_differently() -> None:
    assert {(release, "Pro" in row["id"]) for release, row in answers()} >= {
        ("0.24.0", False),
        ("0.28.0", False),
        ("0.32.0", False),
        ("0.32.0", True),
        ("0.33.0", True),
    }


def test_a_block_of_fewer_tokens_than_are_compressed_into_one_keeps_that_one() -> None:
    """A size that no kernel of vLLM takes must not end an estimate."""
    sizes = pages(PRO, (0, 61), "--block-size=16")
    assert all(page for _, _, page in sizes) and (16, 0, 1152) in sizes
