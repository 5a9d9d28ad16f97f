"""Blocks, tokens, requests and the longest context of a plan (vllm v1/core/kv_cache_utils.py)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import vllm_memory
from kv_kit import MAMBA, MIXED, PAGE, SMALL, TOKEN, groups, plan, planned
from sizing_models import DEEPSEEK_LITE, GEMMA_4, WHISPER

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.kv.grouping import Group
from modelcar_tui.memory.kv.layers import layers_of
from modelcar_tui.memory.kv.plan import Held, Plan, plan_for
from modelcar_tui.memory.kv.specs import Spec
from modelcar_tui.memory.refusals import column_of
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.quantization.dtypes import model_type_of, resolved_dtype
from support import vllm_data

FULL = Spec(kind="full", block=32, page=100)
SLIDING = Spec(kind="sliding", block=16, page=100, window=64, reach=95, spare=1)


def by_hand(*told: Group, **fields: Any) -> Plan:
    """Two full and three sliding layers in groups of two; 7 B of a block id are room that no layer uses."""
    own = told or (Group(FULL, 2, 200), Group(SLIDING, 2, 200), Group(SLIDING, 1, 100))
    figures = {"block_bytes": 207, "checked_bytes": 203, "by_pages": False, "context_split": 1, **fields}
    return Plan(groups=own, **figures)


def one_group(**fields: Any) -> Plan:
    """Pages of 10 B for 16 tokens."""
    spec = Spec(kind="full", block=16, page=10)
    return by_hand(Group(spec, 1, 10), block_bytes=10, checked_bytes=10, **fields)


def test_a_models_plan_is_its_groups() -> None:
    found = plan(SMALL)
    assert found == Plan(
        groups=(Group(Spec(kind="full", block=16, page=PAGE), 8, 8 * PAGE),),
        block_bytes=8 * PAGE,
        checked_bytes=8 * PAGE,
        by_pages=True,
        context_split=1,
    )
    assert (found.block, found.bytes_per_token) == (16, 8 * TOKEN)


def test_a_pipeline_rank_groups_its_own_layers() -> None:
    assert groups(plan(MIXED, rank=(0, 3))) == [("sliding", 3)]
    assert groups(plan(MIXED, rank=(5, 8))) == [("sliding", 1), ("full", 1), ("full", 1)]


def test_a_model_without_layers_that_cache_has_no_plan() -> None:
    assert planned({**SMALL, "layer_types": ["mlp"] * 8}) is None


def test_what_one_request_needs_with_padding_and_without() -> None:
    """40 tokens: full 2 blocks, sliding 40 / 16 + 1 = 4 in each of its groups; 10 ids in all."""
    found = by_hand()
    assert found.request_blocks(40) == 10
    assert found.needed(40, padded=True) == 10 * 203
    assert found.needed(40, padded=False) == 2 * 200 + 4 * 200 + 4 * 100


def test_the_longest_context_is_the_last_whose_check_passes() -> None:
    """30 B are three blocks, 48 tokens."""
    found = one_group()
    for padded in (False, True):
        assert found.longest(30, 1000, padded=padded) == 48
        assert found.longest(29.9, 1000, padded=padded) == 32
        assert found.longest(30, 40, padded=padded) == 40
        assert found.longest(10, 1, padded=padded) == 1
        assert found.longest(10, 1000, padded=padded) == 16
        assert found.longest(9.9, 1000, padded=padded) == 0
        assert found.longest(-5.0, 1000, padded=padded) == 0


def test_the_longest_context_hears_whether_padding_counts() -> None:
    """64 tokens need 2 + 2 x 5 ids: 12 x 203 B with padding, 2 x 200 + 5 x 300 B without."""
    found = by_hand()
    assert found.longest(12 * 203, 64, padded=True) == 64
    assert found.longest(12 * 203 - 1, 64, padded=True) == 48
    assert found.longest(1900, 64, padded=False) == 64
    assert found.longest(1899, 64, padded=False) == 48


def test_blocks_that_fit_are_whole_and_never_less_than_none() -> None:
    found = by_hand()
    assert [found.block_count(space) for space in (-1000.0, 0.0, 206.9, 207.0, 414.5)] == [0, 0, 0, 1, 2]
    assert isinstance(found.block_count(414.5), int)


def test_tokens_are_blocks_of_a_group_or_concurrency_times_length() -> None:
    """40 tokens need 10 ids, so that 25 ids serve 2.5 requests of 40 tokens, or of 41: 102.5 tokens."""
    found = by_hand()
    assert found.concurrency(25, 40) == 2.5
    assert found.tokens(25, 41, as_concurrency=True) == 102
    assert isinstance(found.tokens(25, 41, as_concurrency=True), int)
    assert found.tokens(25, 41, as_concurrency=False) == 8 * 16  # the smallest block of the three groups
    assert by_hand(context_split=4).tokens(25, 1, as_concurrency=False) == 8 * 16 * 4
    assert one_group().tokens(25, 41, as_concurrency=False) == 25 * 16


def test_before_0_27_a_requests_bytes_were_counted_in_pages_of_the_first_group() -> None:
    """Two blocks of 100 B and eight of 30 B: 440 B, which are five pages of 100 B, or 15 of 30 B."""
    full, narrow = Group(FULL, 2, 200), Group(Spec(kind="state", block=16, page=30, always=8), 2, 60)
    assert by_hand(full, narrow).request_blocks(40) == 10
    assert by_hand(full, narrow, by_pages=True).request_blocks(40) == 5
    assert by_hand(narrow, full, by_pages=True).request_blocks(40) == 15
    assert [plan(SMALL, vllm=vllm).by_pages for vllm in ("0.26.0", "0.27.0", "0.33.0")] == [
        True,
        False,
        False,
    ]


def test_the_block_is_the_smallest_of_those_that_keep_tokens() -> None:
    state = Group(Spec(kind="state", block=8, page=100, always=1), 2, 200)
    cross = Group(Spec(kind="cross", block=4, page=100, always=94), 2, 200)
    assert by_hand().block == 16
    assert by_hand(state, cross, Group(FULL, 2, 200)).block == 32
    assert by_hand(state).block == 8
    assert plan(MAMBA).block == 528
    assert plan(GEMMA_4, vllm="0.33.0").block == 16


def test_a_token_of_context_costs_the_layers_that_keep_every_token() -> None:
    latent = Group(Spec(kind="mla", block=16, page=50), 5, 250)
    state = Group(Spec(kind="state", block=16, page=100, always=1), 2, 200)
    assert by_hand().bytes_per_token == 200 / 32
    assert by_hand(latent, state).bytes_per_token == 250 / 16
    assert by_hand(latent, Group(FULL, 1, 100)).bytes_per_token == 250 / 16 + 100 / 32
    assert by_hand(Group(SLIDING, 5, 500)).bytes_per_token == 0
    assert plan(DEEPSEEK_LITE).bytes_per_token == 27 * 576 * 2
    assert plan(GEMMA_4, vllm="0.33.0").bytes_per_token == 10 * 4 * 1024 * 2


def test_decode_context_parallelism_cuts_each_request() -> None:
    found = plan(DEEPSEEK_LITE, "--tensor-parallel-size=8", "--decode-context-parallel-size=8")
    assert found.context_split == 8
    assert found.request_blocks(8 * 160) == 10


def test_whispers_request_holds_the_decoders_tokens_and_the_encoders() -> None:
    """448 tokens are 28 blocks; a step of 2,048 tokens of the encoder are 128."""
    found = plan(WHISPER, "--max-num-batched-tokens=2048")
    assert groups(found) == [("full", 32), ("cross", 32)]
    assert found.request_blocks(448) == 28 + 128


# Beside vLLM's own answers.

UNLIKE = {
    ("0.24.0", "JambaForSequenceClassification tp4 8k"),  # blocks of 2,048 tokens, as Mamba 1 tells no chunk
    ("0.24.0", "MusicFlamingoForConditionalGeneration tp1"),  # its transformers have other class defaults
    ("0.24.0", "Qwen3ASRForConditionalGeneration tp2 8k"),  # as well
    ("0.24.0", "meituan-longcat/LongCat-Flash-Chat tp4 8k"),  # its transformers double a stated `num_layers`
    ("0.33.0", "meituan-longcat/LongCat-Flash-Chat tp4 8k"),  # and these halve it
}
"""Where our pages are not vLLM's."""


def started(job: dict[str, Any], release: str, folder: Path) -> Start | None:
    """The start of a question to vLLM; None where the model can't be read."""
    tp = job.get("tp", 1)
    args = read_engine_args((*job.get("args", ()), f"--tensor-parallel-size={tp}"), tp, release)
    facts = vllm_data.facts(job["model"], job.get("scheme", "none"), folder)
    gpu, profile = gpu_for(vllm_data.CARD, count=tp), profile_for(release)
    kind = model_type_of(facts.config)
    dtype = resolved_dtype(args.dtype, column_of(gpu), kind, profile.version or profile.release)
    model = describe_model(facts, quantization=args.quantization, dtype=dtype, overrides=args.overrides)
    return start_of(model, gpu, args, profile) if isinstance(model, Model) else None


def theirs(answer: dict[str, Any]) -> Counter[int]:
    """Layers by the bytes of their page, as vLLM has them before they are grouped."""
    found = Counter[int]()
    for name, count in answer["specs"].items():
        kind, _, size = name.partition(":")
        if kind != "EncoderOnlyAttentionSpec":
            found[int(size)] += count
    return found


@pytest.mark.parametrize("release", vllm_memory.releases())
def test_pages_groups_blocks_and_requests_at_once_are_vllms(release: str, tmp_path: Path) -> None:
    """FlashMLA, which vLLM takes for Kimi K2 with an 8-bit cache, has blocks of 64 tokens for our 16."""
    compared, unlike = 0, list[tuple[str, object, object]]()
    for answer in vllm_memory.answers(release):
        job = vllm_memory.questions()[answer["id"]]
        start = started(job, release, tmp_path) if answer.get("blocks") else None
        if start is None or answer["backends"] == ["FLASHMLA"] or (release, answer["id"]) in UNLIKE:
            continue
        layers = (0, start.model.shape.layers)
        pages = Counter[int]()
        for spec, count in layers_of(start, layers):
            pages[spec.page] += count
        found = plan_for(start, rank=layers)
        assert isinstance(found, Plan), answer["id"]
        blocks = found.block_count(job.get("kv_gib", 40.0) * 2**30)
        at_once = round(found.concurrency(blocks, answer["context"]), 9)
        mine = dict(pages), len(found.groups), blocks, at_once
        vllms = dict(theirs(answer)), answer["groups"], answer["blocks"], round(answer["concurrency"], 9)
        compared += 1
        if mine != vllms:
            unlike.append((answer["id"], vllms, mine))
    assert unlike == []
    assert compared > 250


def test_what_is_held_is_every_block_of_every_layer() -> None:
    assert Held(kind="full", layers=2, pages=3, page=5).bytes == 30
