"""Kinds of units and the cards behind them: a card that is shared is one card, and unknown is no number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cluster_support import as_node, expanded, flavours, more_flavours

from modelcar_tui.cluster.cards import (
    Amount,
    Totals,
    card_kinds,
    card_totals,
    cards_of,
    cards_text,
    kind_line,
    node_cards,
    unit_of,
)
from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.kube import objects
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.supervisor.specialists.accelerator import inventory_line
from modelcar_tui.verdict.candidate import candidates, kind_name


def flavour(name: str) -> GpuNode:
    """One of the flavours, as it is classified."""
    raw = [as_node(one) for one in flavours() if one["id"] == name]
    raw += [expanded(one) for one in more_flavours() if one["id"] == name]
    found = classify(msgspec.convert(raw[0], objects.Node))
    assert isinstance(found, GpuNode)
    return found


def l40s(name: str = "n", free: int | None = 4, **more: Any) -> GpuNode:
    """A node with one L40S that is time-sliced into four, or with what `more` says."""
    pool = Pool(
        resource="nvidia.com/gpu",
        units=4,
        capacity=4,
        free=free,
        mem_mib=46068,
        mem_guarantee=Guarantee.NONE,
        mem_from="label",
    )
    return msgspec.structs.replace(
        GpuNode(name=name, vendor="nvidia", product="L40S", physical=1, pool=(pool,)), **more
    )


@pytest.mark.parametrize(
    ("name", "cards", "text"),
    [
        ("nvidia-l40s-onprem", ["2"], ["2 x L40S 45 GiB"]),
        ("nvidia-t4-time-sliced", ["1"], ["1 x Tesla-T4 15 GiB, time-sliced x4: 4 shares"]),
        ("mps-four", ["1"], ["1 x A10G, MPS x4: 4 shares of 5.62 GiB"]),
        ("nvidia-vgpu", ["1"], ["1 x L40S-24Q, vGPU: 1 vGPU of 24 GiB"]),
        ("mi300x-dpx-nps2", ["8"], ["8 x Instinct-MI300X, partition dpx: 16 partitions of 96 GiB"]),
        ("mi300x-mixed-cpx-nps4", ["8"], ["8 x Instinct-MI300X, partition cpx: 64 partitions of 24 GiB"]),
        ("amd-mi308x-cpx", ["8"], ["8 x Instinct-MI308X, partition cpx: 32 partitions of 48 GiB"]),
        ("amd-mi300a-cpx", ["4"], ["4 x Instinct-MI300A, partition cpx: 24 partitions, memory unknown"]),
        (
            "nvidia-h100-mig-mixed",
            ["6", "of 2", "of 2"],
            [
                "6 x H100-80GB-HBM3 80 GiB",
                "2 MIG slices of H100-80GB-HBM3 9.75 GiB, MIG 1g.10gb, of 2 cards with other kinds",
                "6 MIG slices of H100-80GB-HBM3 19.6 GiB, MIG 2g.20gb, of 2 cards with other kinds",
            ],
        ),
        (
            "nvidia-a100-mig-single",
            ["unknown"],
            ["24 MIG slices of A100-SXM4-80GB 19.5 GiB, MIG 2g.20gb, of an unknown number of cards"],
        ),
        (
            "shared-of-unknown-kind",
            ["1"],
            ["1 x Tesla-T4, shared, how is not known: 4 shares, memory unknown"],
        ),
        ("stale-labels-no-plugin", ["1"], ["1 card: A10, not offered"]),
    ],
)
def test_each_way_to_share_a_card_is_told_with_the_cards(
    name: str, cards: list[str], text: list[str]
) -> None:
    found = card_kinds(Inventory(nodes=(flavour(name),)))
    assert [kind.cards_told for kind in found] == cards
    assert [cards_text(kind) for kind in found] == text


@pytest.mark.parametrize(("profile", "how"), [(None, ""), ("3g.40gb", "MIG 3g.40gb, ")])
def test_devices_that_several_claims_may_have_are_not_time_sliced(profile: str | None, how: str) -> None:
    pool = Pool(resource="dra:gpu.nvidia.com", units=2, mem_mib=46068, mem_guarantee=Guarantee.NONE)
    node = l40s(pool=(msgspec.structs.replace(pool, mig_profile=profile),), physical=2)
    (kind,) = card_kinds(Inventory(nodes=(node,)))
    assert kind.how == f"{how}shared by claims, DRA"
    (candidate,) = candidates(
        AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory(nodes=(node,)))
    )
    assert kind_name(candidate).endswith(" 45 GiB shared")


def test_cards_are_those_of_the_node_whatever_is_offered() -> None:
    for name, cards in (("nvidia-h100-mig-mixed", 8), ("nvidia-t4-time-sliced", 1), ("one-card-sick", 8)):
        assert node_cards(flavour(name)) == (cards, True), name
    assert node_cards(flavour("nvidia-a100-mig-single")) == (0, False)


@pytest.mark.parametrize("raw", [*map(as_node, flavours()), *map(expanded, more_flavours())])
def test_no_kind_has_more_cards_than_its_nodes(raw: dict[str, Any]) -> None:
    node = classify(msgspec.convert(raw, objects.Node))
    if not isinstance(node, GpuNode):
        return
    answers = cards_of(node)
    assert len(answers) == max(1, len(node.pool))
    if node.physical is not None and len(node.pool) == 1:
        assert node_cards(node) == (node.physical, True)


def test_time_sliced_cards_are_summed_as_cards() -> None:
    inventory = Inventory(nodes=(l40s("a"), l40s("b", 3)))
    told = card_totals(inventory)
    assert (told.cards, told.units, told.free) == (2, 8, 7)
    assert inventory_line(inventory) == "2 cards on 2 nodes, all usable; 7 of 8 shares free"


def test_of_a_cordoned_node_nothing_is_free() -> None:
    node = l40s(usable=False, why="cordoned")
    (kind,) = card_kinds(Inventory(nodes=(node,)))
    assert kind.free_told == "0 of 4"
    assert kind_line(kind) == "1 x L40S 45 GiB, time-sliced x4: 4 shares; not usable: cordoned"
    assert inventory_line(Inventory(nodes=(node,))) == "1 card on 1 node; none usable"


def test_what_is_free_is_unknown_where_one_node_does_not_tell() -> None:
    inventory = Inventory(nodes=(l40s("a"), l40s("b", None)))
    (kind,) = card_kinds(inventory)
    assert kind.free is None and kind.free_told == "unknown of 8"
    assert card_totals(inventory).free_told == "at least 4 of 8 shares free"
    assert (
        card_totals(Inventory(nodes=(l40s(free=None),))).free_told == "4 shares, how many are free is unknown"
    )


def test_whole_cards_are_called_gpus() -> None:
    inventory = parse_gpu_flags(("L40S:4@2",))
    assert card_totals(inventory).free_told == "8 of 8 GPUs free"
    (kind,) = card_kinds(inventory)
    assert (cards_text(kind), kind.how) == ("8 x L40S 45 GiB", "whole")


def test_cards_of_two_vendors_keep_their_names() -> None:
    graphics = Pool(resource="gpu.intel.com/i915", vendor="intel-gpu", units=10, capacity=10, free=10)
    whole = Pool(
        resource="nvidia.com/gpu",
        vendor="nvidia",
        product="L4",
        physical=1,
        units=1,
        capacity=1,
        free=1,
        mem_mib=23034,
        mem_guarantee=Guarantee.EXCLUSIVE,
        mem_from="label",
    )
    node = GpuNode(name="n", vendor="nvidia", product="L4", physical=1, pool=(whole, graphics))
    first, second = card_kinds(Inventory(nodes=(node,)))
    assert (first.vendor, first.name, first.cards_told) == ("nvidia", "L4", "1")
    assert (second.vendor, second.product, second.cards_told) == ("intel-gpu", None, "unknown")
    assert card_totals(Inventory(nodes=(node,))).cards_told == "at least 1 card on 1 node, all usable"


@pytest.mark.parametrize(
    ("vendor", "how", "unit"),
    [
        ("nvidia", "whole", "GPU"),
        ("nvidia", "sharing unknown", "GPU"),
        ("nvidia", "whole, DRA", "GPU"),
        ("nvidia", "time-sliced x4", "share"),
        ("nvidia", "MIG 1g.10gb, time-sliced", "share"),
        ("nvidia", "MPS x2", "share"),
        ("nvidia", "shared, how is not known", "share"),
        ("nvidia", "MIG 3g.40gb", "MIG slice"),
        ("nvidia", "vGPU", "vGPU"),
        ("amd", "partition cpx", "partition"),
        ("intel-gaudi", "whole", "Gaudi card"),
        ("google-tpu", "whole", "TPU chip"),
        ("example.com", "whole", "device"),
    ],
)
def test_a_unit_is_called_by_what_it_is(vendor: str, how: str, unit: str) -> None:
    assert unit_of(vendor, how) == unit


@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        ([("GPU", 32, 23, False)], "23 of 32 GPUs free"),
        ([("GPU", 1, 1, False)], "1 of 1 GPU free"),
        ([("GPU", 26, 19, False), ("MIG slice", 6, 4, False)], "19 of 26 GPUs and 4 of 6 MIG slices free"),
        ([("GPU", 8, 5, True), ("share", 4, 4, False)], "at least 5 of 8 GPUs and 4 of 4 shares free"),
        (
            [("GPU", 8, 8, False), ("share", 4, 0, False), ("Gaudi card", 8, 0, True)],
            "8 of 8 GPUs, 0 of 4 shares and an unknown number of 8 Gaudi cards free",
        ),
        (
            [("GPU", 8, 0, True), ("share", 4, 0, True)],
            "8 GPUs and 4 shares, how many are free is unknown",
        ),
    ],
)
def test_what_is_free_is_told_by_what_it_is(amounts: list[tuple[str, int, int, bool]], told: str) -> None:
    every = tuple(
        Amount(unit=unit, units=units, free=free, unsure=unsure) for unit, units, free, unsure in amounts
    )
    totals = Totals(
        usable_nodes=1,
        amounts=every,
        free=sum(one.free for one in every),
        free_unsure=any(one.unsure for one in every),
    )
    assert totals.free_told == told
