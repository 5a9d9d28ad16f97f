"""Two tables of accelerators: what a node of the cluster has, and what the arithmetic takes the card for."""

from __future__ import annotations

import re

import pytest
from seam_support import grouped, params

from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware.cluster_tables import tables
from modelcar_tui.hardware.gpu_table import GpuRow, gpu_table
from modelcar_tui.hardware.products import gpu_for

PRODUCTS = {name: name for name in tables().products}
ROWS = {row.product: row for row in gpu_table().gpus}
SLICED = {name: name for name in tables().mig_parents}
SPELLINGS = {
    "as a label": "NVIDIA-{}",
    "in small letters": "{}",
    "time-sliced": "{}-SHARED",
}
UNKNOWN_TO_SIZING = grouped(
    {
        "the arithmetic does not know the card": (
            "Flex-140",
            "Gaudi",
            "IBM-Spyre",
            "Inferentia",
            "Inferentia2",
            "Instinct-MI100",
            "Instinct-MI300A",
            "Instinct-MI308X",
            "Trainium",
            "Trainium2",
            "tpu7x",
        ),
    }
)
UNKNOWN_TO_CLUSTER = grouped(
    {
        "a card of this name is called a slip of another": (
            "AMD_Instinct_MI300X_VF",
            "NVIDIA-GeForce-RTX-2080-Ti",
            "NVIDIA-GeForce-RTX-3060",
            "NVIDIA-GeForce-RTX-3080",
            "NVIDIA-GeForce-RTX-3080-Ti",
            "NVIDIA-GeForce-RTX-3090-Ti",
            "NVIDIA-GeForce-RTX-4060-Ti",
            "NVIDIA-GeForce-RTX-4070",
            "NVIDIA-GeForce-RTX-4070-Ti-SUPER",
            "NVIDIA-GeForce-RTX-4080",
            "NVIDIA-GeForce-RTX-5060-Ti",
            "NVIDIA-GeForce-RTX-5080",
        ),
        "a node with this card has no memory": (
            "Intel Arc Pro B60",
            "Intel Arc Pro B70",
            "NVIDIA-H20-3e",
            "Quadro-RTX-8000",
            "NVIDIA-Thor",
            "TPU-v5e",
        ),
    }
)
UNKNOWN_SLICES = grouped({"the arithmetic has no slices of this card": ("A800-SXM4-80GB", "H800")})


@pytest.mark.parametrize("name", params(PRODUCTS, UNKNOWN_TO_SIZING))
def test_a_card_of_the_cluster_has_the_same_memory_and_capability_in_the_arithmetic(name: str) -> None:
    product, gpu = tables().products[name], gpu_for(name)
    memory = None if gpu.memory_gib.value is None else round(gpu.memory_gib.value * 1024)
    assert (memory, gpu.compute_capability) == (product.mem_mib, product.cc)
    assert gpu.memory_gib.known or gpu.visible_gib.known
    if product.mem_mib and gpu.visible_gib.value:
        assert 0.9 * product.mem_mib / 1024 < gpu.visible_gib.value <= product.mem_mib / 1024


@pytest.mark.parametrize("row", params(ROWS, UNKNOWN_TO_CLUSTER))
def test_a_card_that_the_arithmetic_knows_can_be_stated_with_all_that_it_has(row: GpuRow) -> None:
    flag = f"{re.sub(' ', '-', row.product)}:1"
    try:
        (node,) = parse_gpu_flags((flag,)).nodes
    except UserError as error:
        raise AssertionError(str(error)) from None
    stated = gpu_for(node.product or "", memory_mib=node.pool[0].mem_mib)
    known = gpu_for(row.product)
    assert (node.pool[0].mem_mib, node.cc) == (row.memory_mib, row.capability)
    assert (stated.memory_gib.value, stated.visible_gib.value, stated.sms) == (
        known.memory_gib.value,
        known.visible_gib.value,
        known.sms,
    )


@pytest.mark.parametrize("row", params(ROWS))
def test_every_other_name_of_a_card_stands_for_that_card_or_for_several(row: GpuRow) -> None:
    for alias in row.aliases:
        try:
            (node,) = parse_gpu_flags((f"{alias}:1",)).nodes
        except UserError as error:
            assert "is one of" in str(error) or "no such product" in str(error)
        else:
            assert node.pool[0].mem_mib in (row.memory_mib, None), alias


@pytest.mark.parametrize("name", params(SLICED, UNKNOWN_SLICES))
def test_a_slice_of_a_card_has_one_memory(name: str) -> None:
    profiles = tables().mig_profiles[tables().mig_parents[name]]
    slices = {profile: gpu_for(f"{name}-MIG-{profile}") for profile in profiles}
    assert {profile: round((gpu.memory_gib.value or 0) * 1024) for profile, gpu in slices.items()} == profiles
    stated = parse_gpu_flags(tuple(f"{name}-MIG-{profile}:1" for profile in profiles)).nodes
    assert [node.pool[0].mem_mib for node in stated] == list(profiles.values())


@pytest.mark.parametrize("spelling", params(SPELLINGS))
def test_a_card_is_the_same_however_its_name_is_written(spelling: str) -> None:
    other = {
        name: written
        for name in tables().products
        if (written := gpu_for(spelling.format(name if "{}-" in spelling else name.lower()))).memory_gib.value
        != gpu_for(name).memory_gib.value
        or written.compute_capability != gpu_for(name).compute_capability
    }
    assert not other
