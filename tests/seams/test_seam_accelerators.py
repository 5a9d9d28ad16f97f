"""What a node of the cluster has, and what the arithmetic takes the card for: one table, two readers."""

from __future__ import annotations

import re

import pytest
from seam_support import params

from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware.product import Product, gpu_for, mig_profiles, products

PRODUCTS = products()
SLICED = {name: card for name, card in PRODUCTS.items() if card.mig}
SPELLINGS = {
    "as a label": "NVIDIA-{}",
    "in small letters": "{}",
    "time-sliced": "{}-SHARED",
}


@pytest.mark.parametrize("card", params(PRODUCTS))
def test_a_card_of_the_cluster_has_the_same_memory_and_capability_in_the_arithmetic(card: Product) -> None:
    gpu = gpu_for(card.name)
    memory = None if gpu.memory_gib.value is None else round(gpu.memory_gib.value * 1024)
    assert (memory, gpu.compute_capability) == (card.memory_mib, card.capability)
    assert gpu.memory_gib.known or gpu.visible_gib.known or card.name == "Orin"
    if card.memory_mib and gpu.visible_gib.value:
        assert 0.9 * card.memory_mib / 1024 < gpu.visible_gib.value <= card.memory_mib / 1024


@pytest.mark.parametrize("card", params(PRODUCTS))
def test_a_card_that_the_arithmetic_knows_can_be_stated_with_all_that_it_has(card: Product) -> None:
    flag = f"{card.written}:1"
    try:
        (node,) = parse_gpu_flags((flag,)).nodes
    except UserError as error:
        raise AssertionError(str(error)) from None
    stated = gpu_for(node.product or "", memory_mib=node.pool[0].mem_mib)
    known = gpu_for(card.written)
    assert (node.pool[0].mem_mib, node.cc) == (card.memory_mib, card.capability)
    assert (stated.memory_gib.value, stated.visible_gib.value, stated.sms) == (
        known.memory_gib.value,
        known.visible_gib.value,
        known.sms,
    )


@pytest.mark.parametrize("card", params(PRODUCTS))
def test_every_other_name_of_a_card_stands_for_that_card_or_for_several(card: Product) -> None:
    for alias in card.aliases:
        try:
            (node,) = parse_gpu_flags((f"{re.sub(' ', '-', alias)}:1",)).nodes
        except UserError as error:
            assert re.search(rf"is one of .*{re.escape(card.name)}", str(error))
        else:
            assert node.product == card.name, alias


@pytest.mark.parametrize("card", params(SLICED))
def test_a_slice_of_a_card_has_one_memory(card: Product) -> None:
    profiles = mig_profiles(card)
    slices = {profile: gpu_for(f"{card.written}-MIG-{profile}") for profile in profiles}
    assert {profile: round((gpu.memory_gib.value or 0) * 1024) for profile, gpu in slices.items()} == profiles
    stated = parse_gpu_flags(tuple(f"{card.name}-MIG-{profile}:1" for profile in profiles)).nodes
    assert [node.pool[0].mem_mib for node in stated] == list(profiles.values())


@pytest.mark.parametrize("spelling", params(SPELLINGS))
def test_a_card_is_the_same_however_its_name_is_written(spelling: str) -> None:
    other = {
        name: written
        for name in PRODUCTS
        if (written := gpu_for(spelling.format(name if "{}-" in spelling else name.lower()))).memory_gib.value
        != gpu_for(name).memory_gib.value
        or written.compute_capability != gpu_for(name).compute_capability
    }
    assert not other
