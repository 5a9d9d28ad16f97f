from __future__ import annotations

import pytest

from modelcar_tui.hardware.product import gpu_for


@pytest.mark.parametrize(
    "name", ["NVIDIA-H100-80GB-HBM3", "H100-80GB-HBM3", "h100", "NVIDIA H100 80GB HBM3", "NVIDIA-H100 80GB"]
)
def test_names_of_one_card(name):
    gpu = gpu_for(name)
    assert gpu.visible_gib.value == 79.19
    assert (gpu.compute_capability, gpu.sms) == ("9.0", 132)


@pytest.mark.parametrize(
    ("name", "visible"), [("L40S", 44.42), ("A100-80", 79.15), ("A100-40", 39.38), ("MI300X", 191.98)]
)
def test_short_names(name, visible):
    assert gpu_for(name).visible_gib.value == visible


def test_an_unknown_product_has_unknown_memory():
    gpu = gpu_for("Voodoo-3")
    assert not gpu.memory_gib.known
    assert not gpu.visible_gib.known


def test_an_unknown_product_takes_the_nodes_label():
    gpu = gpu_for("Voodoo-3", memory_mib=16384)
    assert gpu.memory_gib.value == 16
    assert 15 < (gpu.visible_gib.value or 0) < 16


def test_a_label_that_contradicts_the_table_wins():
    assert (gpu_for("NVIDIA-A100-SXM4-80GB", memory_mib=40960).visible_gib.value or 0) < 40.5
    assert gpu_for("NVIDIA-H100-80GB-HBM3", memory_mib=81559).visible_gib.value == 79.19


def test_a_slice_has_the_memory_of_its_profile():
    gpu = gpu_for("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb")
    assert gpu.memory_gib.value == 4.75
    assert gpu.compute_capability == "8.0"


def test_two_cards_in_one_name_are_not_guessed():
    assert not gpu_for("RTX 5070 Ti 16303MiB + RTX 5090 D 32607MiB").memory_gib.known
