"""The one table of accelerators: every name leads to one row, every word of a vendor stands in its row."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from modelcar_tui.cluster.classify import FINDERS
from modelcar_tui.hardware.product import (
    by_cloud,
    by_id,
    gpu_for,
    instance,
    mig_profiles,
    product_named,
    products,
    row_named,
    row_of,
)
from modelcar_tui.hardware.vendor import (
    hardware,
    resource_prefixes,
    vendor_in,
    vendor_of_resource,
    vendor_word,
    vendors,
)
from modelcar_tui.qa.log.tables import suite
from modelcar_tui.qa.suite import accelerator_word
from modelcar_tui.vllm.quantization_table import quantization_table

TABLE: dict[str, Any] = json.loads(
    files("modelcar_tui.hardware").joinpath("accelerators.json").read_text("utf-8")
)
CARDS = products()


def spelled(name: str) -> str:
    """As the table compares names: what is written before and behind the card's own left out."""
    text = name.lower().replace(" ", "-").replace("_", "-")
    for before in ("nvidia-", "amd-", "intel-", "instinct-", "geforce-", "tesla-", "data-center-gpu-"):
        text = text.removeprefix(before)
    return text.removesuffix("-oam")


def test_no_two_rows_have_a_name_in_common() -> None:
    rows: dict[str, str] = {}
    for card in CARDS.values():
        for name in {spelled(name) for name in (card.name, card.written, *card.aliases)}:
            assert rows.setdefault(name, card.name) == card.name, name


def test_every_name_of_a_card_leads_to_its_row() -> None:
    for card in CARDS.values():
        for name in (card.name, card.written, *card.aliases):
            for written in (name, name.upper(), name.replace("-", "_"), f"{name}-SHARED"):
                assert row_named(written) is card is row_of(written), written


def test_every_row_says_where_it_is_from_and_is_of_a_known_vendor() -> None:
    for card in CARDS.values():
        assert card.vendor in vendors() and card.evidence, card.name


def test_every_key_of_the_table_is_one_that_somebody_reads() -> None:
    """A misspelt key would be a fact that nobody hears."""
    from modelcar_tui.hardware.product import Product
    from modelcar_tui.hardware.vendor import Generation, Vendor

    known = set(Product.__struct_fields__)
    assert all(set(row) <= known for row in TABLE["products"])
    assert all(set(row) <= set(Vendor.__struct_fields__) for row in TABLE["vendors"].values())
    for row in TABLE["vendors"].values():
        for generation in row.get("generations", ()):
            assert set(generation) <= set(Generation.__struct_fields__)


def test_every_capability_is_of_a_known_generation() -> None:
    for card in CARDS.values():
        assert (card.generation is not None) == (card.capability is not None), card.name


def test_every_instance_type_has_cards_of_the_table() -> None:
    for kind, (name, count) in TABLE["instances"].items():
        assert instance(kind) == (CARDS[name], count) and count > 0


def test_every_family_of_slices_is_some_cards() -> None:
    assert {card.mig for card in CARDS.values() if card.mig} == set(TABLE["slices"])


def test_a_slice_that_a_card_does_not_have_has_no_memory() -> None:
    assert not gpu_for("H100-NVL-MIG-1g.10gb").memory_gib.known
    assert not gpu_for("A100-SXM4-80GB-MIG-1g.5gb").memory_gib.known
    for card in ("A100-SXM4-80GB-MIG-1g.5gb", "GB200-MIG-1g.24gb", "H20-MIG-1g.12gb"):
        assert not gpu_for(card).visible_gib.known, "it is not the whole card's"
    assert mig_profiles(None) == {}


def test_device_ids_and_cloud_labels_lead_to_one_card_each() -> None:
    ids = [(card.vendor, device) for card in CARDS.values() for device in card.ids]
    words = [word for card in CARDS.values() for word in (*card.gke, *card.karpenter)]
    assert len(set(ids)) == len(ids) and len(set(words)) == len(words)
    assert by_id("amd", "74a1") is CARDS["Instinct-MI300X"]
    assert by_id("intel-gaudi", "74a1") is None
    assert by_cloud("nvidia-h100-mega-80gb") is CARDS["H100-80GB-HBM3"]


@pytest.mark.parametrize("name", ["intel-gaudi", "google-tpu", "Gaudi-4", "Intel Gaudi 9", "Trainium-7"])
def test_a_vendor_and_a_later_generation_are_not_the_card_of_a_like_name(name: str) -> None:
    assert row_of(name) is None
    assert not gpu_for(name).memory_gib.known
    assert gpu_for(name).vendor == vendor_in(name) != "nvidia"


def test_a_name_that_tells_of_no_vendor_is_nvidias() -> None:
    assert gpu_for("Voodoo-3").vendor == "nvidia"
    assert {name: vendor_in(name) for name in ("AMD-Foo", "Intel-Arc-X", "Habana Foo", "inf2-x")} == {
        "AMD-Foo": "amd",
        "Intel-Arc-X": "intel-gpu",
        "Habana Foo": "intel-gaudi",
        "inf2-x": "aws-neuron",
    }


def test_no_word_stands_for_two_vendors() -> None:
    told = [word for word, vendor in vendors().items() for word in {word, *vendor.words}]
    assert len(set(told)) == len(told)
    assert vendor_word(" Habana ") == "intel-gaudi" and vendor_word("nobody") == ""


def test_every_vendor_whose_cards_a_node_can_have_has_a_finder_and_the_other_way_round() -> None:
    assert set(FINDERS) == {word for word, vendor in vendors().items() if vendor.prefix}


def test_a_resource_is_one_vendors() -> None:
    starts = resource_prefixes()
    assert not [one for one in starts for other in starts if one is not other and one.startswith(other)]
    for word, vendor in vendors().items():
        for name in (*vendor.resources, f"dra:{vendor.driver}" if vendor.driver else ""):
            assert not name or vendor_of_resource(name) is vendor, word
    assert vendor_of_resource("example.com/gpu") is None


def test_every_column_of_the_quantization_table_is_some_vendors_and_the_other_way_round() -> None:
    columns = {column for scheme in quantization_table().schemes for column in scheme.others} | {"nvidia"}
    ours = {vendor.column for vendor in vendors().values()}
    ours |= {one.column for vendor in vendors().values() for one in vendor.generations}
    assert ours - {""} == columns


def test_every_platform_of_the_quantization_table_is_some_vendors_and_the_other_way_round() -> None:
    platforms = {vendor.platform for vendor in vendors().values()}
    assert platforms - {""} == set(quantization_table().platforms)


def test_every_word_of_the_suite_is_some_vendors_but_those_of_processors() -> None:
    ours = {vendor.suite for vendor in vendors().values()} - {""}
    assert ours <= set(suite().accepted)
    assert set(suite().accepted) - ours == {"cpu_power", "cpu_z"}
    for word, vendor in vendors().items():
        assert accelerator_word(word) == (vendor.suite or word)


def test_the_suites_own_list_names_no_vendor_a_second_time() -> None:
    """Words of the predecessor and of processors only."""
    assert not [word for word in suite().words if vendors().get(word) and vendors()[word].suite]


@pytest.mark.parametrize(
    ("capability", "told"),
    [
        ("7.0", "Volta"),
        ("7.2", "Volta"),
        ("7.5", "Turing"),
        ("8.0", "Ampere"),
        ("8.7", "Ampere"),
        ("8.9", "Ada"),
        ("9.0", "Hopper"),
        ("10.3", "Blackwell"),
        ("11.0", "Blackwell"),
        ("12.1", "Blackwell"),
        ("13.0", "Rubin"),
    ],
)
def test_a_capability_is_of_one_generation_in_every_room(capability: str, told: str) -> None:
    generation = vendors()["nvidia"].generation(capability)
    assert generation is not None and generation.name == told
    assert hardware("nvidia", "X", capability).label == f"X ({told}, compute capability {capability})"


def test_a_capability_that_nobody_knows_is_of_no_generation() -> None:
    nvidia = vendors()["nvidia"]
    assert [nvidia.generation(one) for one in (None, "", "6.1", "14.0", "gfx942")] == [None] * 5
    assert hardware("nvidia", "X", "14.0").capability == 140


def test_gb10_thor_and_orin_share_their_memory_with_the_system() -> None:
    shared = {card.name for card in CARDS.values() if gpu_for(card.name).unified}
    assert shared == {"GB10", "Thor", "Orin"}


def test_a_card_without_a_column_says_that_the_table_has_none() -> None:
    seen = hardware("aws-neuron", "Trainium2")
    assert not seen.known
    assert "no column for AWS NEURON" in seen.label


def test_an_unknown_product_is_no_product() -> None:
    assert product_named(None) is product_named("Voodoo-3") is None
    assert instance(None) == instance("no.such") == (None, 0)
