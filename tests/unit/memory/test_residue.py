"""What PyTorch's caching allocator keeps: sequences worked out by hand from its rules."""

from __future__ import annotations

import pytest

from modelcar_tui.core.facts import MIB
from modelcar_tui.memory.residue import Step, held

EXPERTS = ((128 * 2 * 768, 2 * 2048), (128 * 2048, 2 * 768))
"""Of Qwen3-30B-A3B in 16 bits on one GPU: 768 and 384 MiB, rows of 4096 and 1536 B."""


def mib(layers: int, step: Step) -> tuple[float, float]:
    found = held(((step,),) * layers)
    return found.cached / MIB, found.kept / MIB


def test_weights_alone_leave_nothing():
    assert mib(3, Step(matrices=EXPERTS)) == (0, 0)


@pytest.mark.parametrize("layers", [1, 2, 48])
def test_padded_experts_keep_the_rest_of_the_segment_that_the_second_took_a_part_of(layers):
    """The first, 816 MiB with its rows longer, is a segment of its own; its old 768 MiB are freed after the
    cache was emptied, and the second, 448 MiB now, comes out of them: 320 MiB can't be given back. The
    second's old 384 MiB stay free until the next is emptied.
    """
    each = (816 - 768) + (448 - 384) + (768 - 448)
    assert mib(layers, Step(matrices=EXPERTS, padded=True)) == (layers * each + 384, layers * each)


def test_rows_that_are_no_multiple_of_512_bytes_stay_as_they_are():
    """The shards of Qwen3-235B-A22B on four GPUs: rows of 8192 B become longer, those of 768 B not."""
    step = Step(matrices=((128 * 2 * 384, 2 * 4096), (128 * 4096, 2 * 384)), padded=True)
    assert mib(1, step) == (24 + 768, 24)


def test_shuffled_experts_leave_their_old_ones_free():
    """Both copies are made while the padded ones are in use; these and the first's old segment are free
    afterwards, and the next layer's take their places."""
    step = Step(matrices=EXPERTS, padded=True, copied=True)
    assert mib(1, step) == mib(48, step) == (816 + 768, 0)


def test_a_mask_is_as_large_as_the_largest_matrix():
    step = Step(matrices=((1024 * 384, 1024), (1024 * 192, 1024)), masked=True)
    assert mib(1, step) == mib(40, step) == (384, 0)


def test_weights_that_shrink_keep_the_halves_of_the_old_ones():
    """The first goes into a segment of its own, each other into a half of the one before: every second old
    segment is free as a whole, and the rest was of use."""
    one, four = (mib(layers, Step(matrices=((1024, 102400),), shrunk=2)) for layers in (1, 4))
    assert one == (200, 0)
    assert four[1] == 100


def test_parts_with_a_scale_of_their_own_are_widened_one_after_the_other():
    """A part of 100 MiB takes 200 twice, then 100 into the first of them."""
    assert mib(1, Step(matrices=((2048, 102400),), requantized=(1024, 1024))) == (400, 0)


@pytest.mark.parametrize("layers", [29, 61, 94])
def test_layers_beyond_those_that_are_played_add_as_much_as_the_others(layers):
    """Matrices of 9 MiB lie two by two in segments of 20 MiB, the rest counts as theirs only below 1 MiB."""
    step = Step(matrices=((2304, 4096),))
    whole = held(((step,),) * 28)
    assert held(((step,),) * layers).kept == pytest.approx(whole.kept / 28 * layers)
    assert whole.kept == 14 * 2 * MIB
