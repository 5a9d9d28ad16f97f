"""A vendor's words: the cluster's, the arithmetic's, the quantization table's and the QA suite's."""

from __future__ import annotations

import pytest
from seam_support import params

from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.hardware.product import gpu_for, products
from modelcar_tui.hardware.vendor import hardware
from modelcar_tui.qa.log.tables import suite
from modelcar_tui.qa.suite import accelerator_word
from modelcar_tui.vllm.quantization_table import quantization_table

COLUMNS = {
    "nvidia": {"nvidia"},
    "amd": {"gfx90a", "gfx942", "gfx950", ""},
    "intel-gaudi": {"gaudi"},
    "intel-gpu": {"xpu"},
    "ibm-spyre": {"spyre"},
    "google-tpu": {"tpu"},
    "aws-neuron": {""},
}
"""Columns of the quantization table that stand for a vendor's cards; empty: the table has none for it."""
SUITE = {"nvidia": "nvidia", "amd": "amd", "intel-gaudi": "gaudi", "ibm-spyre": "spyre"}
"""Words that the QA suite takes; it has no other runtimes."""
VENDORS = {vendor: vendor for vendor in COLUMNS}
CARDS = {
    vendor: tuple(name for name, product in products().items() if product.vendor == vendor)
    for vendor in VENDORS
}


def test_every_vendor_of_the_cluster_is_asked_about() -> None:
    assert {product.vendor for product in products().values()} == set(VENDORS)


def test_every_column_of_the_quantization_table_but_the_cpu_is_some_vendors() -> None:
    columns = {column for scheme in quantization_table().schemes for column in scheme.others}
    assert columns - {"cpu"} == set().union(*COLUMNS.values()) - {"nvidia", ""}


@pytest.mark.parametrize("vendor", params(VENDORS))
def test_a_card_that_a_node_has_finds_its_column_of_the_quantization_table(vendor: str) -> None:
    found = {name: hardware(vendor, name, products()[name].capability).column for name in CARDS[vendor]}
    assert set(found.values()) == COLUMNS[vendor], found


@pytest.mark.parametrize("vendor", params(VENDORS))
def test_a_card_that_is_stated_finds_its_column_of_the_quantization_table(vendor: str) -> None:
    for name in CARDS[vendor]:
        (node,) = parse_gpu_flags((f"{name}:1",)).nodes
        assert hardware(node.vendor, node.product or "", node.cc).column in COLUMNS[vendor], name


@pytest.mark.parametrize("vendor", params(VENDORS))
def test_the_arithmetic_says_the_same_vendor_of_a_card(vendor: str) -> None:
    assert {gpu_for(name).vendor for name in CARDS[vendor]} == {vendor}


@pytest.mark.parametrize("vendor", params(VENDORS))
def test_the_suite_is_told_its_own_word_for_a_vendor_or_refuses_it(vendor: str) -> None:
    told = accelerator_word(vendor)
    assert (told if told in suite().accepted else None) == SUITE.get(vendor)
