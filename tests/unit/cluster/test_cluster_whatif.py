"""`--gpu` and `--inventory`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.gpu_info import gpu_info_text
from modelcar_tui.cluster.snapshot import read_snapshot
from modelcar_tui.cluster.types import AcceleratorReport, Guarantee
from modelcar_tui.cluster.whatif import find_card, parse_gpu_flags
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware.product import mig_profiles, products, row_named
from modelcar_tui.kube.documents import parse
from modelcar_tui.kube.types import Access, Rung

NODE = {
    "metadata": {
        "name": "n1",
        "labels": {
            "nvidia.com/gpu.product": "NVIDIA-L40S",
            "nvidia.com/gpu.memory": "46068",
            "nvidia.com/gpu.count": "2",
        },
    },
    "status": {"allocatable": {"nvidia.com/gpu": "2"}, "capacity": {"nvidia.com/gpu": "2"}},
}
POD = {
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a"},
    "spec": {"nodeName": "n1", "containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
    "status": {"phase": "Running"},
}


def test_flags_make_nodes() -> None:
    inventory = parse_gpu_flags(("NVIDIA-H100-80GB-HBM3:8", "L40S:4@3"))
    assert inventory.origin == "--gpu"
    assert [node.name for node in inventory.nodes] == [f"what-if-{n}" for n in (1, 2, 3, 4)]
    h100, l40s = inventory.nodes[:2]
    assert (h100.product, h100.cc, h100.pool[0].units, h100.pool[0].mem_mib) == (
        "H100-80GB-HBM3",
        "9.0",
        8,
        81559,
    )
    assert (l40s.product, l40s.pool[0].free, l40s.pool[0].mem_guarantee) == ("L40S", 4, Guarantee.EXCLUSIVE)


@pytest.mark.parametrize(
    ("flag", "product", "vendor"),
    [
        ("AMD_Instinct_MI300X_OAM:8", "Instinct-MI300X", "amd"),
        ("mi300x:8", "Instinct-MI300X", "amd"),
        ("gaudi3:8", "Gaudi3", "intel-gaudi"),
        ("nvidia-a100-sxm4-80gb:1", "A100-SXM4-80GB", "nvidia"),
        ("GB300:4", "GB300", "nvidia"),
        ("T4:1", "Tesla-T4", "nvidia"),
        ("MI325:8", "Instinct-MI325X", "amd"),
        ("H100-80:8", "H100-80GB-HBM3", "nvidia"),
        ("H100-SXM5:8", "H100-80GB-HBM3", "nvidia"),
        ("RTX4090:1", "GeForce-RTX-4090", "nvidia"),
        ("Gaudi-3:8", "Gaudi3", "intel-gaudi"),
        ("A100-SXM-40GB:8", "A100-SXM4-40GB", "nvidia"),
    ],
)
def test_products_are_found_by_their_other_names(flag: str, product: str, vendor: str) -> None:
    node = parse_gpu_flags((flag,)).nodes[0]
    assert (node.product, node.vendor) == (product, vendor)


def test_a_mig_slice_may_be_named() -> None:
    pool = parse_gpu_flags(("A100-SXM4-80GB-MIG-2g.20gb:4",)).nodes[0].pool[0]
    assert (pool.resource, pool.mem_mib, pool.mem_guarantee) == (
        "nvidia.com/mig-2g.20gb",
        19968,
        Guarantee.HARD_SLICE,
    )


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("H100", "PRODUCT:COUNT"),
        ("", "PRODUCT:COUNT"),
        ("L40S:0", "count from 1"),
        ("L40S:4@0", "number of nodes"),
        ("L40S:4@99999", "number of nodes"),
        ("L40S:-1", "PRODUCT:COUNT"),
        ("H100:8", "H100 is one of 3 cards: H100-80GB-HBM3, H100-PCIe, H100-NVL"),
        ("A100-40GB:8", "A100-40GB is one of 2 cards: A100-SXM4-40GB, A100-PCIE-40GB"),
        ("A100:8", "A100 is one of 4 cards: A100-SXM4-80GB, "),
        ("L4OS:1", "no such product as L4OS; did you mean L40S?"),
        ("HlOO:1", "no such product as HlOO; did you mean H100-80GB-HBM3, H100-PCIe, H100-NVL?"),
        ("8xH100:1", "no such product as 8xH100; did you mean H100-80GB-HBM3, H100-PCIe, H100-NVL?"),
        ("H100x8:1", "no such product as H100x8; did you mean H100-80GB-HBM3, H100-PCIe, H100-NVL?"),
        ("H100-94GB:1", "no such product as H100-94GB; did you mean H100-80GB-HBM3, H100-PCIe, H100-NVL?"),
        ("nvidia/L40S:1", "no such product as nvidia/L40S; did you mean L40S?"),
        ("MY-L40S-CARD:1", "no such product as MY-L40S-CARD; did you mean L40S?"),
        ("Gaudi3-x8:1", "no such product as Gaudi3-x8; did you mean Gaudi3?"),
        ("HBM3:2", "no such product as HBM3; did you mean H100-80GB-HBM3?"),
        ("480GB:2", "no such product as 480GB; did you mean GH200-480GB?"),
        ("Ada:1", "no such product as Ada; did you mean RTX-6000-Ada-Generation?"),
        ("Ti:1", "Ti is one of 7 cards: GeForce-RTX-5070-Ti, "),
        ("T4-MIG-1g.5gb:1", "Tesla-T4 can't be cut into slices by MIG; name the whole card"),
        ("MI300X-MIG-1g.5gb:1", "Instinct-MI300X can't be cut into slices by MIG; name the whole card"),
        (
            "H100-80GB-HBM3-MIG-9g.99gb:1",
            "H100-80GB-HBM3 has no MIG slice 9g.99gb; it has 1g.10gb, 1g.20gb, ",
        ),
        ("H100-80GB-HBM3-MIG-1g.5gb:1", "H100-80GB-HBM3 has no MIG slice 1g.5gb; it has 1g.10gb, 1g.20gb, "),
        ("H200-MIG-7g.18gb:1", "H200 has no MIG slice 7g.18gb; it has 1g.18gb, "),
        ("MI300:8", "MI300 is one of 2 cards: Instinct-MI300X, Instinct-MI300A"),
        ("H1000:8", "no such product as H1000; did you mean H100-80GB-HBM3, H100-PCIe, H100-NVL?"),
        ("A1:8", "no such product as A1; did you mean A10, "),
        ("NVIDIA-H100-80GB-HBM:8", "H100-80GB-HBM3"),
    ],
)
def test_bad_flags_are_one_line(flag: str, says: str) -> None:
    try:
        found = parse_gpu_flags((flag,)).nodes[0].product
    except UserError as error:
        assert says in str(error)
        assert "\n" not in str(error)
    else:
        assert found == says


def test_every_mig_slice_of_the_table_and_those_it_lacks_may_be_named() -> None:
    for card in (row for row in products().values() if row.mig):
        for profile in mig_profiles(card):
            for more in ("", "+me", ".me"):
                (node,) = parse_gpu_flags((f"{card.name}-MIG-{profile}{more}:1",)).nodes
                assert node.pool[0].mig_profile == f"{profile}{more}"
    assert parse_gpu_flags(("A100-SXM4-40GB-MIG-1g.10gb:1", "H100-NVL-MIG-1g.12gb:1")).nodes


@pytest.mark.parametrize("name", ["H20-3e", "RTX-3080-Ti", "Thor", "TPU-v5e"])
def test_a_card_that_only_the_estimates_table_has_is_no_misspelling(name: str) -> None:
    assert not find_card(name).near


def test_what_a_short_name_means_first_is_what_an_estimate_takes() -> None:
    for name in ("A100", "H100", "V100", "MI300", "A100-40GB", "A100-80GB", "V100-32GB"):
        cards = find_card(name).cards
        assert len(cards) > 1 and row_named(cards[0]) is row_named(name) is not None


def test_every_card_of_the_table_is_found_by_its_own_name_with_and_without_its_vendor() -> None:
    for name in products():
        for text in (name, f"NVIDIA-{name}", name.lower(), name.replace("-", "_")):
            assert find_card(text).cards == (name,)


def test_a_product_unlike_any_other_has_unknown_memory() -> None:
    pool = parse_gpu_flags(("Zorp-9000:2",)).nodes[0].pool[0]
    assert (pool.units, pool.mem_mib, pool.mem_guarantee) == (2, None, Guarantee.UNKNOWN)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_flag_is_an_inventory_or_one_line(flag: str) -> None:
    try:
        assert parse_gpu_flags((flag,)).nodes
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("shape", ["NodeList", "List", "bare", "single"])
def test_shapes_of_an_inventory(tmp_path: Path, shape: str) -> None:
    document = {
        "NodeList": {"kind": "NodeList", "apiVersion": "v1", "items": [NODE]},
        "List": {"kind": "List", "items": [{"kind": "Node", **NODE}, POD]},
        "bare": {"items": [NODE]},
        "single": {"kind": "Node", **NODE},
    }[shape]
    path = tmp_path / "nodes.json"
    path.write_text(json.dumps(document))
    inventory = read_snapshot(path).inventory
    assert inventory.nodes_seen == 1
    assert inventory.nodes[0].pool[0].mem_mib == 46068
    assert inventory.nodes[0].pool[0].free == (1 if shape == "List" else None)
    assert bool(inventory.problems) == (shape != "List")


def test_yaml_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "nodes.yaml"
    path.write_text(
        "kind: Node\nmetadata:\n  name: n1\n  labels:\n    nvidia.com/gpu.product: NVIDIA-L40S\n"
        "    nvidia.com/gpu.memory: 46068\n    nvidia.com/gpu.count: 2\n"
        "status:\n  allocatable: {nvidia.com/gpu: 2}\n  conditions: [{type: Ready, status: True}]\n---\n"
        "kind: Node\nmetadata: {name: n2}\nstatus: {conditions: [{type: Ready, status: False}]}\n"
    )
    inventory = read_snapshot(path).inventory
    assert inventory.nodes[0].pool[0].mem_mib == 46068
    assert inventory.nodes[0].usable
    assert [(node.name, node.usable) for node in inventory.others] == [("n2", False)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02", "not text"),
        (b"kind: [\n", "not valid YAML"),
        (b'{"kind": "PodList", "items": [{}]}', "no Node in it (only Pod)"),
        (b"42\n", "no Node in it"),
        (b"[" * 100_000, "nested"),
        (b"- " * 100_000, "nested"),
        (b"a: &a [x, *a]\n", "alias"),
        (b'{"items": [' + b"[" * 50_000, "nested"),
    ],
    ids=["empty", "binary", "broken", "pods", "number", "deep-flow", "deep-block", "alias", "deep-json"],
)
def test_a_bad_inventory_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        read_snapshot(path)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_snapshot(tmp_path / "none.json")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_parse_or_say_why(data: bytes) -> None:
    try:
        parse(data, where="x", what="the inventory")
    except UserError as error:
        assert "\n" not in str(error)


def test_gpu_info_has_one_block_for_nodes_that_are_alike_and_no_unit_twice() -> None:
    inventory = parse_gpu_flags(("L40S:4@2",))
    text = gpu_info_text(AcceleratorReport(access=Access(rung=Rung.WHAT_IF), inventory=inventory))
    (block,) = [block.splitlines() for block in text.strip().split("\n\n") if block.startswith("•")]
    assert "• GPU Provider: NVIDIA" in block
    assert "• Per-GPU Memory: 44.99 GiB (a whole card; from card table)" in block
    assert "• Allocatable GPUs: 4 each" in block
    assert "• Free GPUs: 8 of 8 on 2 nodes" in block
    assert "• Node Name: what-if-1, what-if-2" in block
