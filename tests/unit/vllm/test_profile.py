"""Where each habit begins and ends: the release before the boundary, and the one at it."""

from __future__ import annotations

import pytest

from modelcar_tui.vllm.builds import ImageBuild, Sampler, sampler_of
from modelcar_tui.vllm.profile import hungriest_profile, profile_for, profile_on_card


@pytest.mark.parametrize(
    ("habit", "before", "at"),
    [
        ("graphs_profiled", "0.17.1", "0.18.0"),
        ("graphs_deducted", "0.19.1", "0.20.0"),
        ("state_blocks_checked", "0.19.1", "0.20.0"),
        ("exact_groups", "0.13.0", "0.14.0"),
        ("null_block", "0.28.0", "0.29.0"),
        ("tokens_are_concurrency", "0.20.0", "0.20.1"),
        ("latent_cache", "0.7.0", "0.7.1"),
        ("many_sequences", "0.7.3", "0.8.0"),
        ("large_batches", "0.8.5", "0.9.0"),
        ("huge_batches", "0.27.0", "0.28.0"),
        ("counts_the_whole_card", "0.7.3", "0.8.0"),
    ],
)
def test_a_habit_begins_with_a_release(habit: str, before: str, at: str) -> None:
    assert (getattr(profile_for(before), habit), getattr(profile_for(at), habit)) == (False, True)


@pytest.mark.parametrize(
    ("habit", "last", "after"),
    [
        ("engine_v0", "0.7.3", "0.8.0"),
        ("many_sequences", "0.8.2", "0.8.3"),
        ("counts_the_whole_card", "0.9.0", "0.9.1"),
    ],
)
def test_a_habit_ends_with_a_release(habit: str, last: str, after: str) -> None:
    assert (getattr(profile_for(last), habit), getattr(profile_for(after), habit)) == (True, False)


def test_from_0_20_on_vllm_takes_two_hundredths_more_of_a_card() -> None:
    assert [profile_for(vllm).utilization for vllm in ("0.19.1", "0.20.0", "0.33.0")] == [0.9, 0.92, 0.92]


def test_an_engine_that_is_told_counts_more_than_the_release_s_default() -> None:
    assert profile_for("0.8.5 (V0)").engine_v0
    assert not profile_for("0.7.3 (V1)").engine_v0


def test_the_bound_of_an_unknown_release_is_the_one_that_leaves_least() -> None:
    """0.16 sorts the logits and knows no profile of graphs."""
    bound = hungriest_profile(profile_for("0.40.0"))
    assert (bound.release, bound.known) == ((0, 16), False)
    assert sampler_of(bound.number, bound.build) is Sampler.SORT
    assert (bound.label, bound.newer) == ("0.40.0?", "0.40.0")


@pytest.mark.parametrize("text", ["0.9", "0.9.x", "v0.9 (2025)", "0.9.x/0.10.0"])
def test_a_release_without_a_patch_is_the_last_of_them_and_measures_as_the_hungriest(text: str) -> None:
    profile = profile_for(text)
    assert (profile.number, profile.patch_told) == ((0, 9, 99), False)
    assert profile.counts_the_whole_card


@pytest.mark.parametrize(
    ("vllm", "capability", "old"),
    [
        ("0.8.5", 7.5, True),
        ("0.10.1", 7.0, True),
        ("0.10.2", 7.5, False),
        ("0.10", 7.5, False),
        ("0.8.5", 8.0, False),
        ("0.8.5", None, False),
        ("0.7.3", 9.0, True),
    ],
)
def test_cards_before_ampere_had_the_old_engine_until_0_10_2(
    vllm: str, capability: float | None, old: bool
) -> None:
    profile = profile_on_card(profile_for(vllm), capability)
    assert profile.engine_v0 is old
    assert not (old and profile.counts_the_whole_card)


@pytest.mark.parametrize(
    ("vllm", "capability", "old"),
    [
        ("0.8.0", 9.0, True),
        ("0.8.5", 9.0, False),
        ("0.8.5", 8.9, True),
        ("0.9.2", 10.0, True),
        ("0.10.0", 8.9, False),
    ],
)
def test_an_8_bit_cache_had_the_old_engine_without_flash_attention_3(
    vllm: str, capability: float, old: bool
) -> None:
    assert profile_on_card(profile_for(vllm), capability, "fp8").engine_v0 is old
    assert not profile_on_card(profile_for(vllm), capability).engine_v0


def test_a_profile_knows_its_build() -> None:
    assert [profile_for(text).build for text in ("0.11.0+rhai5", "0.11.0")] == [
        ImageBuild.RED_HAT,
        ImageBuild.RELEASE,
    ]
