"""The report that one keeps: cluster, user, time, a table, sources, ages, checks, nodes by what is alike."""

from __future__ import annotations

import re
import time
from itertools import takewhile
from typing import Any

import msgspec
import pytest
from cluster_support import as_node, expanded, flavours, more_flavours

from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.gpu_info import gpu_info_text
from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.serving_types import (
    DeploymentMode,
    HardwareProfile,
    KServe,
    LlmService,
    LlmServices,
    OciMode,
    Offered,
    Profiles,
)
from modelcar_tui.cluster.types import (
    AcceleratorReport,
    Check,
    GpuNode,
    Guarantee,
    Inventory,
    OtherNode,
    Pool,
    PullSecrets,
    Runtime,
    State,
    Versions,
    Waiting,
)
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.core.cells import width
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube import objects
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.scheduling import Toleration

NOW = 1_790_000_000.0
SERVER = "https://api.prod.example.com:6443"
ACCESS = Access(
    rung=Rung.OK,
    server=SERVER,
    context="prod",
    user="kube:admin",
    version="v1.34.2",
    via="proxy http://10.0.0.1:3128",
)
PREDECESSOR = (
    "Cloud Provider",
    "Instance Type",
    "GPU Provider",
    "GPU Product",
    "Per-GPU Memory",
    "Allocatable GPUs",
    "Node RAM",
    "Node Storage",
    "Node Name",
)
"""The keys of a node in the predecessor's file."""


def l40s(name: str, free: int | None = 4, *, cards: int = 4, **more: Any) -> GpuNode:
    """A node with four units: whole cards, or time-sliced ones where there are fewer."""
    sliced = Guarantee.NONE if cards < 4 else Guarantee.EXCLUSIVE
    pool = Pool(
        resource="nvidia.com/gpu",
        units=4,
        capacity=4,
        free=free,
        mem_mib=46068,
        mem_guarantee=sliced,
        mem_from="label",
    )
    told = GpuNode(
        name=name,
        vendor="nvidia",
        product="L40S",
        cc="8.9",
        physical=cards,
        pool=(pool,),
        provider="aws",
        instance_type="g6e.12xlarge",
        memory_mib=393216,
        ephemeral_mib=460800,
    )
    return msgspec.structs.replace(told, **more)


def report(*nodes: GpuNode, **more: Any) -> AcceleratorReport:
    """Of a cluster whose nodes were read five minutes and whose pods two seconds ago."""
    inventory = Inventory(nodes=nodes, nodes_seen=len(nodes), at=NOW - 2, nodes_at=NOW - 300)
    inventory = msgspec.structs.replace(inventory, **more.pop("inventory", {}))
    return AcceleratorReport(**{"access": ACCESS, "inventory": inventory, **more})


def text_of(told: AcceleratorReport, cells: int = 120) -> str:
    return gpu_info_text(told, cells=cells, now=NOW)


def table_of(text: str) -> list[list[str]]:
    """The cells of the table, without its head."""
    lines = iter(text.splitlines())
    next(line for line in lines if line.startswith("#  PRODUCT"))
    return [re.split(r"\s{2,}", line.strip()) for line in takewhile(bool, lines)]


def blocks(text: str) -> list[dict[str, str]]:
    """The nodes' parts, as a script of the predecessor's would read them."""
    parts = [part for part in text.split("\n\n") if part.startswith("• ")]
    return [dict(re.findall(r"^• ([^:]+): (.*)$", part, re.MULTILINE)) for part in parts]


def test_it_begins_with_cluster_user_and_time() -> None:
    first = text_of(report(l40s("a"), limits=NamespaceLimits(namespace="models"))).splitlines()[:3]
    assert (
        first[0] == f"Cluster: {SERVER} (context prod, namespace models, through proxy http://10.0.0.1:3128)"
    )
    assert first[1] == "User: kube:admin"
    assert first[2].startswith("Time: 2026-09-21T14:13:20Z, written by modelcar-tui ")


def test_what_was_read_has_its_time_and_age() -> None:
    told = text_of(
        report(
            l40s("a"),
            versions=Versions(openshift="4.21.3", inferred=True, ai="OpenShift AI 3.4.0", kserve="v0.17.0"),
            inventory={"others": (OtherNode(name="w"),)},
        )
    )
    assert "Nodes: 1 with accelerators, 1 without; read 2026-09-21T14:08:20Z, 5 min before" in told
    assert "Free: what the nodes offer less what pods request; read 2026-09-21T14:13:18Z, 2 s before" in told
    assert "Kubernetes v1.34.2, OpenShift 4.21.3 (derived from Kubernetes')," in told
    assert "OpenShift AI 3.4.0, KServe v0.17.0" in told.replace("\n         ", "")


def test_the_table_has_a_row_a_kind_over_all_nodes() -> None:
    tainted = l40s("c", 1, taints=("nvidia.com/gpu:NoSchedule",))
    rows = table_of(text_of(report(l40s("a", 3), l40s("b", 0), tainted, l40s("d", cards=1))))
    assert rows == [
        [
            *("1", "L40S", "12", "3", "whole", "4 of 12", "44.99 GiB (label)"),
            "tolerate nvidia.com/gpu:NoSchedule (1 of 3 nodes)",
        ],
        ["2", "L40S", "1", "1", "time-sliced x4", "4 of 4", "44.99 GiB (label)", "-"],
    ]


def test_a_time_sliced_card_is_one_card() -> None:
    text = text_of(report(l40s("a", 3, cards=1)))
    assert "In all: 1 card on 1 node, all usable; 3 of 4 shares free" in text
    (block,) = blocks(text)
    assert block["Cards"] == "1" and block["Shared"] == "time-sliced x4"
    assert "shared with the neighbours" in block["Per-GPU Memory"]
    assert "4 x L40S" not in text


def test_a_cordoned_node_has_nothing_free_and_says_why() -> None:
    text = text_of(report(l40s("a", 4, usable=False, why="cordoned")))
    assert table_of(text)[0][5:] == ["0 of 4", "44.99 GiB (label)", "the node is cordoned"]
    (block,) = blocks(text)
    assert block["Free GPUs"] == "0 of 4: the node is cordoned"
    assert block["Not usable"] == "the node is cordoned"


@pytest.mark.parametrize("raw", [*map(as_node, flavours()), *map(expanded, more_flavours())])
def test_every_flavour_has_all_keys_of_the_predecessor(raw: dict[str, Any]) -> None:
    node = classify(msgspec.convert(raw, objects.Node))
    if not isinstance(node, GpuNode):
        return
    (block,) = blocks(text_of(report(node)))
    bare = {key.partition(" (")[0] for key in block}
    assert {*PREDECESSOR, "Free GPUs", "Cards"} <= bare
    assert block["Node Name"] == node.name
    assert all(value for value in block.values())


def test_nodes_that_are_alike_share_a_block() -> None:
    nodes = [l40s(f"gpu-{at:03}", at % 5, memory_mib=393216 + at) for at in range(400)]
    text = text_of(report(*nodes, l40s("old", usable=False, why="cordoned")))
    assert len(text.splitlines()) < 80
    first, second = blocks(text)
    assert first["Free GPUs"] == "800 of 1,600 on 400 nodes, at most 4 on one"
    assert first["Cards"] == "4 each"
    assert first["Node RAM"] == "384 to 384.39 GiB"
    assert first["Nodes"] == "400"
    assert first["Node Name"].startswith("gpu-004 (4 free), gpu-009 (4 free),")
    assert "and 340 more (in gpu_info.json)" in text
    assert second["Node Name"] == "old"
    assert "#1 nvidia.com/gpu on gpu-000, gpu-001, gpu-002, gpu-003 and 396 more" in text


def test_free_is_unknown_with_its_reason_where_pods_were_not_listed() -> None:
    problem = Problem(where=SERVER, what="the pods can't be listed", fix="oc adm policy ...", code="no-pods")
    text = text_of(report(l40s("a", None), inventory={"problems": (problem,)}))
    assert "Free: unknown: what pods hold could not be counted" in text
    assert f"Not known: {SERVER}: the pods can't be listed; oc adm policy ..." in text
    assert table_of(text)[0][5] == "unknown of 4"
    assert blocks(text)[0]["Free GPUs"] == "unknown of 4"


def test_nodes_that_may_not_be_listed_are_not_no_gpus() -> None:
    problem = Problem(
        where=SERVER, what="dev may not list nodes", fix="ask for cluster-reader", code="no-nodes"
    )
    access = msgspec.structs.replace(ACCESS, user="dev", missing=(problem,))
    told = AcceleratorReport(access=access, inventory=Inventory(known=False, problems=(problem,)))
    text = text_of(told)
    assert "GPUs: unknown, the nodes could not be looked at" in text
    assert text.count("dev may not list nodes; ask for cluster-reader") == 1
    assert "In all" not in text and "none" not in text


def test_without_a_cluster_it_says_what_to_do() -> None:
    problem = Problem(what="there is no kubeconfig", fix="oc login", code="no-kubeconfig")
    access = Access(rung=Rung.NO_KUBECONFIG, problem=problem)
    text = text_of(AcceleratorReport(access=access, inventory=Inventory(known=False)))
    assert text.startswith("Cluster: unknown, not looked at: no kubeconfig\nUser: unknown\nTime: ")
    assert "Not known: there is no kubeconfig; oc login" in text


def test_a_cluster_without_gpus_has_looked() -> None:
    text = text_of(
        report(inventory={"nodes_seen": 12, "others": tuple(OtherNode(name=f"w{n}") for n in range(12))})
    )
    assert "GPUs: none on 12 nodes" in text


def test_a_what_if_says_so_with_the_age_of_its_file() -> None:
    what_if = Access(rung=Rung.WHAT_IF)
    stated = AcceleratorReport(access=what_if, inventory=parse_gpu_flags(("L40S:4",)))
    assert text_of(stated).startswith("Cluster: none was asked, this is a what-if: --gpu\nUser: not asked\n")
    of_file = Inventory(nodes=(l40s("a"),), origin="nodes.json", at=NOW - 3 * 86400, nodes_seen=1)
    text = text_of(AcceleratorReport(access=what_if, inventory=of_file))
    assert "this is a what-if: nodes.json, saved 2026-09-18T14:13:20Z, 3 days before" in text


def test_checks_come_worst_first_with_what_mends_them() -> None:
    checks = (
        Check(code="model-car-switch", state=State.OK, what="it is on", fix="not shown"),
        Check(code="rights", state=State.UNKNOWN, what="nobody knows", fix="oc whoami"),
        Check(code="quota", state=State.BLOCKED, what="4 of 4 are used", fix="raise it"),
    )
    lines = [
        line for line in text_of(report(l40s("a"), checks=checks)).splitlines() if line.startswith("Check ")
    ]
    assert lines == [
        "Check quota: blocked: 4 of 4 are used; raise it",
        "Check rights: unknown: nobody knows; oc whoami",
        "Check model-car-switch: ok: it is on",
    ]


def test_what_else_matters_is_told() -> None:
    pull = PullSecrets(namespace="models", registries=("quay.io",), missing=("lost",), unknown=("no right",))
    told = report(
        l40s("a", unrecognised=("example.com/nic",)),
        runtime=Runtime(image="quay.io/vllm:1", version="0.11.2", why="the template's"),
        pull=pull,
        inventory={"waiting": (Waiting(resource="nvidia.com/gpu", pods=2, units=3),)},
    )
    text = text_of(told)
    assert "Runtime image: quay.io/vllm:1, vLLM 0.11.2 (the template's)" in text
    assert "Waiting: 2 pods without a node ask for 3 nvidia.com/gpu: they may get them first" in text
    assert "Pull secrets of models: cover quay.io; missing: lost" in text
    assert "Not known: pull secrets of models: no right" in text
    assert "Not recognised: example.com/nic on 1 node" in text


def test_devices_that_no_name_gets_are_told() -> None:
    node = l40s("a")
    pool = msgspec.structs.replace(node.pool[0], resource="dra:gpu.nvidia.com", asked_for=False)
    text = text_of(report(msgspec.structs.replace(node, pool=(pool,))))
    assert "whole, DRA" in text and "what ResourceClaims hold" in text
    assert "a pod that asks for a resource by name gets none" in " ".join(text.split())


def test_profiles_and_services_are_told() -> None:
    profile = HardwareProfile(
        name="l40s",
        namespace="redhat-ods-applications",
        offers=(Offered(resource="cpu", most=8), Offered(resource="nvidia.com/gpu", most=2)),
        tolerations=(Toleration(key="nvidia.com/gpu", operator="Exists"),),
        queue="gold",
    )
    service = LlmService(
        name="llama",
        namespace="team",
        ready=False,
        why="no nodes",
        gpus=(("nvidia.com/gpu", 8),),
        partial=True,
    )
    told = report(
        l40s("a"),
        kserve=KServe(oci_mode=OciMode.NATIVE, deployment_mode=DeploymentMode.STANDARD),
        profiles=Profiles(found=(profile,), unknown=("may not be listed in models",)),
        llm_services=LlmServices(found=(service,)),
    )
    text = text_of(told)
    assert "KServe: oci:// images by native, deployments are Standard by default" in text
    offers = "offers nvidia.com/gpu, at most 2; tolerates nvidia.com/gpu; queue gold"
    assert f"Hardware profile l40s: {offers}" in text
    assert "LLM service team/llama: not ready (no nodes); asks for 8 nvidia.com/gpu or more" in text
    assert "Not known: hardware profiles: may not be listed in models" in text


@pytest.mark.parametrize("cells", [40, 60, 80, 120, 200])
def test_long_and_wide_names_break_no_line(cells: int) -> None:
    names = ("節点" * 40, "🚀-node", "gpu." + "very-long-" * 20, "a")
    nodes = [l40s(name, at, product="製品 " * 12 if at % 2 else "L40S") for at, name in enumerate(names)]
    text = text_of(report(*nodes, checks=(Check(code="x", state=State.WARNING, what="語" * 300),)), cells)
    assert max(map(width, text.splitlines())) <= cells
    joined = "".join(text.split())
    assert all(name.replace(" ", "") in joined for name in names)


@pytest.mark.parametrize("alike", [True, False])
def test_five_thousand_nodes_take_little_time_and_stay_readable(alike: bool) -> None:
    name = "ip-10-0-{}.us-east-2.compute.internal"
    nodes = [l40s(name.format(at), at % 5, product="L40S" if alike else f"X{at}") for at in range(5000)]
    told = report(*nodes)
    start = time.process_time()
    text = text_of(told)
    assert time.process_time() - start < 1.5  # 0.1 and 0.2 on an idle machine
    assert len(text.splitlines()) < (120 if alike else 2500)
    assert "5,000 with accelerators" in text
