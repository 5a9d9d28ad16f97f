"""Layers into groups that share block tables (vllm v1/core/kv_cache_utils.py `get_kv_cache_groups`)."""

from __future__ import annotations

from collections import Counter

import pytest
from kv_kit import MIXED, PAGE, SLIDING, SMALL, groups, plan, planned
from sizing_models import DEEPSEEK_LITE, GEMMA_4, GEMMA_27B

from modelcar_tui.memory.kv.grouping import Grouping, grouped
from modelcar_tui.memory.kv.specs import Layers, Spec

NEWEST = (0, 33)
FULL = Spec(kind="full", block=16, page=1000)
SLIDES = Spec(kind="sliding", block=16, page=1000, window=64, reach=95, spare=1)
LATENT = Spec(kind="mla", block=16, page=1000)
STATE = Spec(kind="state", block=4096, page=1000, always=1)


def sizes(found: Grouping) -> list[tuple[str, int]]:
    return [(group.kind, group.layers) for group in found.groups]


def page(spec: Spec, size: int) -> Spec:
    return Spec(**{**{name: getattr(spec, name) for name in Spec.__struct_fields__}, "page": size})


def mixed(full: int, sliding: int, release: tuple[int, int]) -> list[tuple[str, int]]:
    return sizes(grouped(((FULL, full), (SLIDES, sliding)), False, release))


# One type.


def test_layers_that_are_alike_are_one_group_and_a_block_id_is_a_page_of_each() -> None:
    found = grouped(((FULL, 8),), False, NEWEST)
    assert (sizes(found), found.block_bytes, found.checked_bytes) == ([("full", 8)], 8000, 8000)
    assert found.groups[0].page == 8000


@pytest.mark.parametrize("packed", [True, False])
def test_layers_of_one_type_are_one_group_whatever_their_pages(packed: bool) -> None:
    """Latents and their indexers; layers of more and of fewer heads."""
    found = grouped(((LATENT, 27), (page(LATENT, 132), 20)), packed, NEWEST)
    assert (sizes(found), found.block_bytes) == ([("mla", 47)], 27 * 1000 + 20 * 132)
    assert grouped(((FULL, 2), (LATENT, 3)), packed, NEWEST).block_bytes == 5000


def test_an_indexers_keys_are_in_the_latents_blocks() -> None:
    sparse = {**DEEPSEEK_LITE, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
    found = plan(sparse)
    assert (groups(found), found.block) == ([("mla", 27)], 64)
    assert found.block_bytes == 64 * (1152 + 132) * 27
    assert found.bytes_per_token == (1152 + 132) * 27


# Groups of one size.


def test_windows_and_full_layers_are_groups_of_the_smaller_number() -> None:
    """Six sliding layers and two full ones: groups of two."""
    found = plan(MIXED)
    assert groups(found) == [("sliding", 2), ("sliding", 2), ("sliding", 2), ("full", 2)]
    assert found.block_bytes == found.checked_bytes == 2 * PAGE
    assert {group.page for group in found.groups} == {2 * PAGE}


@pytest.mark.parametrize(
    ("full", "sliding", "release", "expected"),
    [
        # Before 0.12 never: groups are as large as the smaller kind.
        (8, 9, (0, 11), [("full", 8), ("sliding", 5), ("sliding", 4)]),
        # 0.12 to 0.17: less than a quarter more.
        (8, 9, (0, 12), [("full", 8), ("sliding", 9)]),
        (8, 10, (0, 12), [("full", 8), ("sliding", 5), ("sliding", 5)]),
        (8, 10, (0, 17), [("full", 8), ("sliding", 5), ("sliding", 5)]),
        # From 0.18 on: less than half more.
        (8, 10, (0, 18), [("full", 8), ("sliding", 10)]),
        (8, 11, (0, 18), [("full", 8), ("sliding", 11)]),
        (8, 12, (0, 18), [("full", 8), ("sliding", 6), ("sliding", 6)]),
        (8, 12, NEWEST, [("full", 8), ("sliding", 6), ("sliding", 6)]),
        (12, 8, NEWEST, [("full", 6), ("full", 6), ("sliding", 8)]),
        (2, 3, NEWEST, [("full", 2), ("sliding", 2), ("sliding", 1)]),
        (4, 5, NEWEST, [("full", 4), ("sliding", 5)]),
        (4, 4, (0, 11), [("full", 4), ("sliding", 4)]),
    ],
)
def test_nearly_equal_numbers_of_layers_are_one_padded_group_each_as_the_release_has_it(
    full: int, sliding: int, release: tuple[int, int], expected: list[tuple[str, int]]
) -> None:
    assert mixed(full, sliding, release) == expected


def test_a_block_has_room_for_a_whole_group_and_a_padded_one_holds_less() -> None:
    found = grouped(((FULL, 4), (SLIDES, 5)), False, NEWEST)
    assert (found.block_bytes, [group.page for group in found.groups]) == (5000, [4000, 5000])
    three = grouped(((FULL, 2), (SLIDES, 3)), False, NEWEST)
    assert (three.block_bytes, [group.page for group in three.groups]) == (2000, [2000, 2000, 1000])


def test_gemma_3_has_six_groups_of_sliding_layers_of_which_some_are_padded() -> None:
    """52 sliding and 10 full layers: 52 in groups of ten are six, of nine layers or of eight."""
    found = plan(GEMMA_27B)
    assert Counter(groups(found)) == {("full", 10): 1, ("sliding", 9): 4, ("sliding", 8): 2}
    assert found.block_bytes == 10 * 16 * 16 * 256 * 2


def test_a_release_groups_the_layers_of_a_model_as_it_does() -> None:
    """Five sliding layers and four full ones; three and two."""
    five = {
        **SLIDING,
        "num_hidden_layers": 9,
        "layer_types": ["sliding_attention"] * 5 + ["full_attention"] * 4,
    }
    assert groups(plan(five)) == [("sliding", 5), ("full", 4)]
    assert groups(plan(five, vllm="0.17.0")) == [("sliding", 3), ("sliding", 2), ("full", 4)]


def test_windows_of_two_sizes_are_two_kinds() -> None:
    wider = Spec(kind="sliding", block=16, page=1000, window=65, reach=96, spare=1)
    found = grouped(((SLIDES, 2), (wider, 2)), False, NEWEST)
    assert sizes(found) == [("sliding", 2), ("sliding", 2)]
    assert {group.spec.window for group in found.groups} == {64, 65}


# Unequal pages.


def even(layers: Layers, release: tuple[int, int] = NEWEST) -> dict[str, tuple[int, int]]:
    """Tokens of a block and bytes of a page by kind."""
    found = grouped(layers, False, release)
    assert not found.refused
    return {group.kind: (group.spec.block, group.spec.page) for group in found.groups}


def test_a_page_that_divides_the_largest_gets_longer_blocks() -> None:
    assert even(((FULL, 2), (page(SLIDES, 250), 2))) == {"full": (16, 1000), "sliding": (64, 1000)}
    assert even(((FULL, 2), (page(SLIDES, 250), 2)), (0, 12)) == {"full": (16, 1000), "sliding": (64, 1000)}
    assert even(((page(LATENT, 500), 2), (SLIDES, 2))) == {"mla": (32, 1000), "sliding": (16, 1000)}


def test_a_page_that_does_not_is_padded_from_0_24_on_and_was_refused_before() -> None:
    layers = ((FULL, 2), (page(SLIDES, 300), 2))
    assert even(layers) == even(layers, (0, 24)) == {"full": (16, 1000), "sliding": (16, 1000)}
    refused = grouped(layers, False, (0, 23))
    assert (refused.groups, refused.refused) == ((), "the pages of its kinds of layers can't be made equal")


def test_a_latents_page_is_never_padded() -> None:
    layers = ((page(LATENT, 300), 2), (SLIDES, 2))
    assert grouped(layers, False, NEWEST).refused == grouped(layers, False, (0, 23)).refused != ""


def test_a_states_page_is_padded_in_every_release_and_its_blocks_stay() -> None:
    """It does not grow with its tokens, even where it divides the largest page."""
    for size in (300, 250):
        for release in ((0, 12), NEWEST):
            found = even(((FULL, 2), (page(STATE, size), 2)), release)
            assert found == {"full": (16, 1000), "state": (4096, 1000)}


def test_a_refused_model_has_no_plan_but_the_reason() -> None:
    """Windows of heads half as many again: 6 and 4 of 128 numbers a token."""
    mimo = {
        **SMALL,
        "model_type": "mimo_v2_flash",
        "num_attention_heads": 12,
        "swa_num_key_value_heads": 6,
        "sliding_window": 128,
        "hybrid_layer_pattern": [1, 1, 1, 0] * 2,
        "v_head_dim": 64,
    }
    assert planned(mimo, vllm="0.23.0") == "the pages of its kinds of layers can't be made equal"
    found = plan(mimo, vllm="0.24.0")
    assert {(group.kind, group.spec.block, group.spec.page) for group in found.groups} == {
        ("sliding", 16, 16 * 6 * 128 * 2),
        ("full", 16, 16 * 6 * 128 * 2),
    }


@pytest.mark.parametrize(
    ("tp", "page", "sliding", "full"),
    [
        # Sliding: 16 heads x 512 x 2 B a token. Full: 4 heads x 1,024 x 2 B, half of it.
        (1, 16 * 16384, 16, 32),
        (2, 131072, 16, 32),
        (4, 65536, 16, 32),
        # One of four full heads each, 2,048 B a token, and two sliding ones, 2,048 B as well.
        (8, 32768, 16, 16),
        # One sliding head, 1,024 B, whose blocks are the longer ones.
        (16, 32768, 32, 16),
    ],
)
def test_gemma_4_cuts_both_kinds_of_layers_into_pages_of_one_size(
    tp: int, page: int, sliding: int, full: int
) -> None:
    found = plan(GEMMA_4, f"--tensor-parallel-size={tp}", vllm="0.33.0")
    cut = {group.kind: (group.spec.block, group.spec.page) for group in found.groups}
    assert cut == {"sliding": (sliding, page), "full": (full, page)}
    assert Counter(groups(found)) == {("sliding", 10): 5, ("full", 10): 1}
    assert found.block_bytes == 10 * page
    assert found.block == min(sliding, full)


def test_where_the_full_layers_tokens_are_larger_the_sliding_ones_get_longer_blocks() -> None:
    """With 16 heads in both a full token is twice a sliding one."""
    apart = {**GEMMA_4, "text_config": {**GEMMA_4["text_config"], "attention_k_eq_v": False}}
    found = plan(apart, vllm="0.33.0")
    cut = {group.kind: (group.spec.block, group.spec.page) for group in found.groups}
    assert cut == {"sliding": (32, 16 * 32768), "full": (16, 16 * 32768)}


def test_a_rank_of_one_kind_alone_has_its_own_pages() -> None:
    full = plan(GEMMA_4, vllm="0.33.0", rank=(5, 6))
    assert (full.block, full.block_bytes) == (16, 16 * 8192)
    sliding = plan(GEMMA_4, vllm="0.33.0", rank=(0, 5))
    assert (sliding.block, sliding.block_bytes) == (16, 5 * 16 * 16384)


def test_windows_own_blocks_are_made_longer_again_where_full_ones_are_asked_for() -> None:
    """0.25 to 0.29: a window's page of 16 tokens beside full ones of 64."""
    found = plan(MIXED, "--block-size=64", vllm="0.26.0")
    assert {(group.kind, group.spec.block, group.page) for group in found.groups} == {
        ("sliding", 64, 2 * 4 * PAGE),
        ("full", 64, 2 * 4 * PAGE),
    }


# Pages side by side.

KEPT = Spec(kind="mla", block=256, page=100)
NEAR = Spec(kind="window", block=64, page=80, window=128, reach=255, spare=1)
OPEN = Spec(kind="window", block=4, page=30, window=8, reach=135, spare=1)


def test_pages_that_are_equal_need_no_packing() -> None:
    layers = ((FULL, 2), (SLIDES, 6))
    for packed in (True, False):
        assert sizes(grouped(layers, packed, NEWEST)) == [("full", 2), *[("sliding", 2)] * 3]


def packed_layers(*more: tuple[Spec, int]) -> Layers:
    """Ten layers with a latent of each of two pages, and twenty windows."""
    return ((NEAR, 20), (KEPT, 10), (page(KEPT, 40), 10), *more)


@pytest.mark.parametrize("release", [(0, 24), (0, 28), NEWEST])
def test_packed_latents_stay_whole_and_windows_are_shared_out(release: tuple[int, int]) -> None:
    """Ten latents of each page; twenty windows in two groups of as many. Latents come first."""
    found = grouped(packed_layers(), True, release)
    assert sizes(found) == [("mla", 20), ("window", 10), ("window", 10)]


def test_from_0_27_on_a_packed_block_is_the_largest_group() -> None:
    """Latents: 10 x (100 + 40) B; a group of windows 800 B."""
    for release in ((0, 27), NEWEST):
        assert grouped(packed_layers(), True, release).block_bytes == 1400


def test_before_0_27_a_packed_block_had_a_slot_for_the_pages_of_each_size() -> None:
    """A window of 80 B takes a slot of 100 B, which a latent of 100 B takes in its own group: ten of 100 and
    ten of 40 B. Windows of 120 B find no slot and get ten more."""
    found = grouped(packed_layers(), True, (0, 26))
    assert (found.block_bytes, found.groups[1].spec.page) == (1400, 100)
    wide = grouped(((page(NEAR, 120), 20), (KEPT, 10), (page(KEPT, 40), 10)), True, (0, 26))
    assert (wide.block_bytes, wide.groups[1].spec.page) == (1400 + 1200, 120)


def test_before_0_29_the_check_counted_the_latents_pages_for_each_layer_of_a_group() -> None:
    layers = ((page(NEAR, 200), 20), (KEPT, 10), (page(KEPT, 40), 10))
    assert grouped(layers, True, (0, 28)).checked_bytes == 10 * (100 + 40)
    assert grouped(layers, True, (0, 28)).block_bytes == 2000
    assert grouped(layers, True, (0, 29)).checked_bytes == 2000


def test_groups_have_the_number_of_layers_that_leaves_least_padding() -> None:
    """Windows of 20 and 24 layers beside 10 latents: 12 a group leave room for 2 latents and 4 windows, as do
    10 for 6 windows, and of equal ones the larger is taken. Of 20 and 30 windows, 10 leave none."""
    found = grouped(packed_layers((OPEN, 24)), True, NEWEST)
    assert sizes(found) == [("mla", 20), *[("window", 10)] * 2, *[("window", 12)] * 2]
    even_ones = grouped(packed_layers((OPEN, 30)), True, NEWEST)
    assert sizes(even_ones) == [("mla", 20), *[("window", 10)] * 2, *[("window", 10)] * 3]


def test_a_type_with_unlike_numbers_of_pages_stays_whole_from_0_29_on() -> None:
    """Ten latents of one page and eight of another; no type with two pages is left to set the repeats."""
    layers = ((NEAR, 20), (KEPT, 10), (page(KEPT, 40), 8))
    assert sizes(grouped(layers, True, (0, 28))) == [("mla", 18), ("window", 10), ("window", 10)]
    assert sizes(grouped(layers, True, (0, 29))) == [("mla", 18), ("window", 20)]
