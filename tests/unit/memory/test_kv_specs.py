"""One layer's cache: the blocks that one request holds (vllm v1/kv_cache_interface.py)."""

from __future__ import annotations

import pytest

from modelcar_tui.core.rounding import ceil_div, round_up
from modelcar_tui.memory.kv.specs import Spec

FULL = Spec(kind="full", block=32, page=100)
LATENT = Spec(kind="mla", block=16, page=100)
SLIDING = Spec(kind="sliding", block=16, page=100, window=64, reach=63 + 32, spare=1)
"""A window of 64 keeps 63 tokens before the 32 of a step."""
CHUNKED = Spec(kind="chunked", block=16, page=100, window=40, reach=40 + 32)
CROSS = Spec(kind="cross", block=16, page=100, always=94)
STATE = Spec(kind="state", block=4096, page=100, always=4)
EVERY_STATE = Spec(kind="state", block=16, page=100)


@pytest.mark.parametrize(
    ("spec", "length", "blocks"),
    [
        (FULL, 1, 1),
        (FULL, 32, 1),
        (FULL, 33, 2),
        (LATENT, 32, 2),
        (LATENT, 33, 3),
        # 95 tokens are six blocks, and one more: where a window begins is no block's beginning.
        (SLIDING, 95, 7),
        (SLIDING, 1000, 7),
        (SLIDING, 16, 2),
        (SLIDING, 17, 3),
        (CHUNKED, 1000, 5),  # 72 tokens
        (CHUNKED, 72, 5),
        (CHUNKED, 48, 3),
        (CHUNKED, 49, 4),
        (CROSS, 1, 94),  # whatever the decoder's length
        (STATE, 1, 4),
        (STATE, 10000, 4),
        (EVERY_STATE, 99, 7),
    ],
)
def test_blocks_of_one_request(spec: Spec, length: int, blocks: int) -> None:
    assert spec.blocks(length) == blocks


def test_a_window_that_ends_with_a_block_needs_no_token_more() -> None:
    """63 and 33 tokens are six whole blocks; with one token more they are seven."""
    blocks = [Spec(kind="sliding", block=16, page=1, reach=63 + batch, spare=1) for batch in (33, 34)]
    assert [spec.blocks(1000) for spec in blocks] == [7, 8]


def test_decode_context_parallelism_cuts_each_request() -> None:
    full = Spec(kind="full", block=32, page=100, split=4)
    assert [full.blocks(length) for length in (128, 129)] == [1, 2]
    latent = Spec(kind="mla", block=16, page=100, split=4)
    assert [latent.blocks(length) for length in (64, 65)] == [1, 2]


def test_only_full_attention_and_latents_grow_with_each_token() -> None:
    kept = {spec.kind: spec.keeps_all for spec in (FULL, LATENT, SLIDING, CHUNKED, CROSS, STATE)}
    assert [kind for kind, keeps in kept.items() if keeps] == ["full", "mla"]


def test_layers_of_one_type_need_the_same_number_of_blocks_whatever_their_pages() -> None:
    """Full attention and latents are one type; a window, a chunk and a state of another size are others."""
    other = Spec(kind="full", block=32, page=7, split=2)
    assert FULL.type == other.type == Spec(kind="mla", block=32, page=100).type
    assert FULL.type != LATENT.type  # other blocks
    wider = Spec(kind="sliding", block=16, page=100, window=65, reach=64 + 32, spare=1)
    assert SLIDING.type != wider.type
    assert SLIDING.type == Spec(kind="sliding", block=16, page=5, window=64, reach=63 + 32, spare=1).type
    assert STATE.type != Spec(kind="state", block=4096, page=101, always=4).type
    assert len({spec.type for spec in (FULL, SLIDING, CHUNKED, CROSS, STATE)}) == 5


def test_rounding_goes_up_and_leaves_whole_multiples() -> None:
    assert [ceil_div(number, 16) for number in (0, 1, 16, 17)] == [0, 1, 1, 2]
    assert [round_up(number, 576) for number in (0, 1, 576, 577, 1168)] == [0, 576, 576, 1152, 1728]
