"""The kinds of GPU that a cluster offers, and one unit of each as vLLM meets it."""

from __future__ import annotations

import msgspec
import pytest
from deciding_support import cluster_of, h100, node, t4

from modelcar_tui.cluster.types import Guarantee, Pool, Runtime
from modelcar_tui.verdict.candidate import candidates, gpu_of, kind_name


def test_nodes_stand_with_the_most_free_units_first_and_those_nobody_counted_last() -> None:
    frees = (("a", 1), ("b", None), ("c", 0), ("d", 1), ("e", 3))
    (kind,) = candidates(cluster_of(*(h100(name, 8, free) for name, free in frees)))
    assert [each.name for each in kind.nodes] == ["e", "a", "d", "c", "b"]
    assert (kind.most, kind.most_free) == (8, None)
    (full,) = candidates(cluster_of(h100("a", 4, 0), h100("b", 8, 1)))
    assert [each.name for each in full.nodes] == ["b", "a"]
    assert (full.most, full.most_free, full.gpu.count) == (8, 1, 8)


def test_a_kind_is_one_product_with_one_memory_under_one_name() -> None:
    kinds = candidates(cluster_of(h100("a"), h100("b"), t4(), h100("c", resource="nvidia.com/gpu.shared")))
    assert [len(kind.nodes) for kind in kinds] == [2, 1, 1]


def test_the_node_s_own_word_on_its_capability_counts_and_else_the_table_s() -> None:
    def capability(cc: str | None) -> str | None:
        (kind,) = candidates(cluster_of(node("n", "L40S", 1, mem=46068, cc=cc)))
        return kind.gpu.compute_capability

    assert (capability("8.6"), capability(None)) == ("8.6", "8.9")


def test_an_exclusive_card_of_untold_memory_has_the_table_s() -> None:
    whole, shared = (
        candidates(cluster_of(node("n", "L40S", 1, guarantee=guarantee)))[0].gpu.memory_gib.known
        for guarantee in (Guarantee.EXCLUSIVE, Guarantee.NONE)
    )
    assert whole and not shared


@pytest.mark.parametrize(
    ("mem", "guarantee", "name"),
    [
        (81559, Guarantee.EXCLUSIVE, "L40S 80 GiB"),
        (81408, Guarantee.EXCLUSIVE, "L40S 80 GiB"),  # 79.5
        (81400, Guarantee.EXCLUSIVE, "L40S 79 GiB"),  # 79.49
        (None, Guarantee.EXCLUSIVE, "L40S"),
        (46068, Guarantee.NONE, "L40S 45 GiB time-sliced"),
        (46068, Guarantee.HARD_SHARE, "L40S 45 GiB shared"),
        (46068, Guarantee.HARD_SLICE, "L40S 45 GiB"),
    ],
)
def test_the_name_of_a_kind_tells_it_from_the_others(
    mem: int | None, guarantee: Guarantee, name: str
) -> None:
    (kind,) = candidates(cluster_of(node("n", "L40S", 1, mem=mem, guarantee=guarantee)))
    assert kind_name(kind) == name


@pytest.mark.parametrize(("cards", "at_once"), [(1, 1), (2, 2), (None, 4)])
def test_a_server_is_split_over_cards_and_not_over_shares_of_one(cards: int | None, at_once: int) -> None:
    sliced = node("n", "L40S", 4, mem=46068, guarantee=Guarantee.NONE)
    pool = msgspec.structs.replace(sliced.pool[0], physical=cards)
    (kind,) = candidates(cluster_of(msgspec.structs.replace(sliced, physical=cards, pool=(pool,))))
    assert (kind.most, kind.gpu.count) == (4, at_once)


def test_a_node_that_is_out_and_a_pool_without_units_offer_nothing() -> None:
    assert candidates(cluster_of(h100(usable=False), h100("b", units=0))) == ()
    assert len(candidates(cluster_of(h100(units=1)))) == 1


def test_a_pool_s_own_product_is_what_its_units_are() -> None:
    """A node with cards of two kinds: its label, and the capability on it, are those of the other card."""
    both = h100("a", 2)
    other = msgspec.structs.replace(both.pool[0], resource="nvidia.com/l4", product="L4", mem_mib=23034)
    same = msgspec.structs.replace(both.pool[0], resource="nvidia.com/x", product="H100-80GB-HBM3")
    kinds = candidates(cluster_of(msgspec.structs.replace(both, pool=(*both.pool, other, same))))
    told = [(kind.gpu.product, kind.gpu.vendor, kind.gpu.compute_capability) for kind in kinds]
    assert told == [
        ("H100-80GB-HBM3", "nvidia", "9.0"),
        ("L4", "nvidia", "8.9"),
        ("H100-80GB-HBM3", "nvidia", "9.0"),
    ]


def test_built_in_graphics_beside_cards_are_judged_for_an_image_of_one_s_own_alone() -> None:
    l4 = node("n", "L4", 1, mem=23034)
    graphics = Pool(resource="gpu.intel.com/i915", units=10, free=10, vendor="intel-gpu")
    both = cluster_of(msgspec.structs.replace(l4, pool=(*l4.pool, graphics)))
    assert [kind.gpu.product for kind in candidates(both)] == ["L4"]
    templates = msgspec.structs.replace(both, runtime=Runtime(image="x", accelerator="nvidia.com/gpu"))
    assert [kind.gpu.product for kind in candidates(templates)] == ["L4"]
    own = msgspec.structs.replace(both, runtime=Runtime(image="x"))
    assert [(kind.gpu.product, kind.gpu.vendor) for kind in candidates(own)] == [
        ("L4", "nvidia"),
        ("intel-gpu", "intel-gpu"),
    ]
    alone = msgspec.structs.replace(l4, vendor="intel-gpu", vllm_runtime=False, pool=(graphics,))
    assert [kind.gpu.vendor for kind in candidates(cluster_of(alone))] == ["intel-gpu"]


def test_a_mig_slice_has_its_own_memory_where_the_node_does_not_tell_it() -> None:
    whole = h100()
    pool = msgspec.structs.replace(
        whole.pool[0], mem_mib=None, mig_profile="1g.10gb", mem_guarantee=Guarantee.EXCLUSIVE
    )
    gpu = gpu_of(whole, pool, count=7)
    assert gpu.product == "H100-80GB-HBM3"
    assert gpu.memory_gib.value is not None
    assert gpu.memory_gib.value < 11
    assert gpu.count == 7
    nameless = msgspec.structs.replace(whole, product=None)
    assert gpu_of(nameless, pool, count=7).product == "nvidia"
    assert not gpu_of(nameless, pool, count=7).memory_gib.known
