"""The GPU table: five thousand nodes, order, filter, and why a node does not count."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.cluster.types import (
    AcceleratorReport,
    Check,
    GpuNode,
    Guarantee,
    Inventory,
    Pool,
    PullSecrets,
    ScaleUp,
    State,
)
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.faces.gpu_detail import detail_rows
from modelcar_tui.tui.faces.gpu_groups import Group, group
from modelcar_tui.tui.faces.gpus import SORTS, GpuRow, arrange, columns, gpu_rows, hosts_differ
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.rows import Row
from modelcar_tui.tui.widgets.gpus import GpuTable
from pilot import support as s


def many(count: int) -> tuple[GpuNode, ...]:
    """A large cluster with some of everything."""
    out = []
    for at in range(count):
        free = None if at % 11 == 0 else at % 9
        pool = (Pool(resource="nvidia.com/gpu", units=8, free=free, mem_mib=None if at % 13 == 0 else 81559),)
        product = ("H100-80GB-HBM3", "A100-SXM4-80GB", "L40S")[at % 3]
        why = "cordoned" if at % 17 == 0 else ""
        out.append(s.node(f"node-{at:05d}.example.com", product=product, pool=pool, usable=not why, why=why))
    return tuple(out)


async def gpu_screen(app: DashboardApp, pilot: Pilot[int]) -> GpuTable:
    await pilot.press("g")
    await s.wait_for(pilot, lambda: s.shows(app, "· GPUs"), "the GPU screen")
    return app.screen.query_one(GpuTable)


async def test_five_thousand_nodes_answer_every_key_at_once() -> None:
    engine = s.FakeEngine([*s.begin(), e.ClusterRead(report=s.cluster(many(5000)))])
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        await s.wait_for(pilot, lambda: s.shows(app, "5,000 nodes"), "the table is there")
        begin = time.process_time()
        keys = ("j",) * 20 + ("pagedown",) * 10 + ("end", "home")
        for key in keys:
            await pilot.press(key)
        spent = (time.process_time() - begin) / len(keys)
        assert spent < 0.1, f"{spent * 1000:.0f} ms a key"
        await pilot.press("end")
        assert s.shows(app, "5,000/5,000")
        begin = time.process_time()
        await pilot.press("slash", *"node-0421", "enter")
        await s.wait_for(pilot, lambda: len(table.shown) == 10, "ten nodes pass")
        assert time.process_time() - begin < 2.0


async def test_the_reason_and_the_details_of_a_node_are_there() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        await pilot.press("slash", *"cordoned", "enter")
        await s.wait_for(pilot, lambda: len(table.shown) == 1, "one node passes")
        assert s.shows(app, "not used  cordoned (SchedulingDisabled)")
        await pilot.press("slash", *(["backspace"] * 8), *"!cordoned", "enter")
        await s.wait_for(pilot, lambda: len(table.shown) == 3, "the other nodes")
        await pilot.press("slash", "escape", *(["j"] * 3), *"k")
        await s.wait_for(pilot, lambda: len(table.shown) == 4, "all nodes")
        assert s.shows(app, "3 of 4 cards healthy")


async def test_every_order_is_an_order_and_unknown_comes_last() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        seen = [table.sort]
        for _ in SORTS[1:]:
            await pilot.press("greater_than_sign")
            seen.append(table.sort)
        assert tuple(seen) == SORTS
        rows = arrange(gpu_rows(app.state), "free", None)
        assert [line.free for line in rows] == [5, 5, 3, None]
        await pilot.press("greater_than_sign")
        assert table.sort == "place"
        assert isinstance(table.current, GpuRow)
        assert "granite-3.1-8b-instruct" in table.current.models


async def test_could_not_look_is_not_no_gpus() -> None:
    problem = Problem(what="the token has expired", where="api.example.com", fix="oc login")
    blind = AcceleratorReport(
        access=Access(rung=Rung.UNAUTHENTICATED, problem=problem), inventory=Inventory(known=False)
    )
    async with s.dashboard(s.FakeEngine([*s.begin(), e.ClusterRead(report=blind)])) as (app, pilot):
        await gpu_screen(app, pilot)
        assert s.shows(app, "could not look: api.example.com: the token has expired; oc login")
        assert not s.shows(app, "no accelerators")


def test_columns_fit_every_width() -> None:
    state = fold(s.stamp(s.decided()), RunState())
    rows = gpu_rows(state)
    for cells in range(20, 220):
        cols = columns(rows, cells)
        assert min(cols.name, cols.product) >= 8
        assert cols.bar in (0, 4, 8)
        assert columns(rows, cells, grouping="product").product == 0


def test_a_node_without_units_is_a_row_with_its_reason() -> None:
    bare = s.node("bare", pool=(), why="no device plugin", usable=False)
    report = msgspec.structs.replace(s.cluster(), inventory=Inventory(nodes=(bare,)))
    rows = gpu_rows(RunState(cluster=report))
    assert [(line.name, line.total, line.why) for line in rows] == [("bare", 0, "no device plugin")]
    assert arrange(rows, "name", parse_filter("device plugin")) == rows


def test_each_row_has_the_cards_of_its_own_pool() -> None:
    whole = s.node("n")
    graphics = Pool(
        resource="gpu.intel.com/i915", units=10, free=10, vendor="intel-gpu", product="Arc-Pro-B60"
    )
    both = msgspec.structs.replace(whole, pool=(*whole.pool, graphics))
    report = msgspec.structs.replace(s.cluster(), inventory=Inventory(nodes=(both,)))
    rows = gpu_rows(RunState(cluster=report))
    assert [(line.product, line.cc) for line in rows] == [
        (whole.product, whole.cc or ""),
        ("Arc-Pro-B60", ""),
    ]


def headings(table: GpuTable) -> list[tuple[str, int, tuple[int | None, int]]]:
    return [(one.title, one.nodes, one.amount) for one in table.shown if isinstance(one, Group)]


async def test_groups_by_product_and_by_node() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        await pilot.press("b")
        assert table.grouping == "product"
        assert headings(table) == [
            ("H100-80GB-HBM3", 2, (5, 8)),
            ("A100-SXM4-80GB MIG 3g.40gb", 1, (None, 4)),
            ("L40S", 1, (3, 3)),
        ]
        assert len(table.shown) == 7
        assert isinstance(table.current, GpuRow)
        assert table.current.name == "ip-10-0-17-201.ec2.internal"
        assert s.shows(app, "2 nodes, 1 not usable")
        await pilot.press("enter")
        assert isinstance(table.current, Group)
        assert len(table.shown) == 5
        assert s.shows(app, "1 node: cordoned (SchedulingDisabled)")
        assert s.shows(app, "most free 5 of 8 on ip-10-0-17-201")
        await pilot.press("enter")
        assert len(table.shown) == 7
        await pilot.press("b")
        assert table.grouping == "node"
        assert [title for title, _, _ in headings(table)] == [
            "ip-10-0-17-201.ec2.internal",
            "ip-10-0-71-33.ec2.internal",
            "ip-10-0-80-150.ec2.internal",
            "ip-10-0-44-9.ec2.internal",
        ]
        await pilot.press("b")
        assert table.grouping == ""
        assert headings(table) == []


async def test_thousands_of_nodes_begin_as_a_few_folded_groups() -> None:
    engine = s.FakeEngine([*s.begin(), e.ClusterRead(report=s.cluster(many(5000)))])
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        await s.wait_for(pilot, lambda: s.shows(app, "5,000 nodes"), "the table is there")
        begin = time.process_time()
        await pilot.press("b", "home")
        assert len(table.shown) == len(headings(table)) == 6
        await pilot.press("enter", *("j",) * 10, "enter")
        assert time.process_time() - begin < 3.0
        assert isinstance(table.current, Group)


def test_a_filter_holds_within_groups() -> None:
    rows = arrange(gpu_rows(fold(s.stamp(s.decided()), RunState())), "name", parse_filter("L40S"))
    shown = group(rows, "product", ())
    assert [type(one) for one in shown] == [Group, GpuRow]


@pytest.mark.parametrize(
    ("names", "differ"),
    [
        (["a.ec2.internal", "b.ec2.internal"], True),
        (["a.x.internal", "b.y.internal", "a.x.internal"], True),
        (["a.x.internal", "a.y.internal"], False),
        (["a", "b"], False),
        (["10.0.0.1", "11.0.0.1"], False),
        ([], False),
    ],
)
def test_domains_are_left_out_only_where_names_still_differ(names: list[str], differ: bool) -> None:
    assert hosts_differ(names) is differ


class LookingEngine(s.FakeEngine):
    """An engine that can read the cluster again."""

    def __init__(self, events: list[e.AnyEvent]) -> None:
        super().__init__(events)
        self.waiting: list[Callable[[str], None]] = []

    def look_again(self, done: Callable[[str], None]) -> None:
        self.waiting.append(done)


async def test_r_reads_again_and_says_what_came_out() -> None:
    engine = LookingEngine(s.decided())
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        table = await gpu_screen(app, pilot)
        await pilot.press("r")
        assert s.shows(app, "reading again what is free")
        await pilot.press("r")
        assert s.shows(app, "still reading")
        assert len(engine.waiting) == 1
        fuller = tuple(
            msgspec.structs.replace(
                node, pool=tuple(msgspec.structs.replace(pool, free=0) for pool in node.pool)
            )
            for node in s.nodes()
        )
        engine.say(e.ClusterRead(report=s.cluster(fuller)))
        # The engine speaks from a thread of its own.
        await app.run_worker(
            lambda: engine.waiting[0]("read again: 0 GPUs free, 8 before"), thread=True
        ).wait()
        await s.wait_for(pilot, lambda: s.shows(app, "read again: 0 GPUs free, 8 before"), "the line")
        await s.wait_for(pilot, lambda: all(one.free == 0 for one in gpu_rows(app.state)), "the new figures")
        assert all(isinstance(one, GpuRow) and one.free == 0 for one in table.shown)
        await pilot.press("r")
        assert len(engine.waiting) == 2


async def test_a_recording_can_not_be_read_again() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await gpu_screen(app, pilot)
        await pilot.press("r")
        assert s.shows(app, "a recording has no cluster to look at")


@pytest.mark.parametrize("size", s.SIZES)
async def test_what_limits_the_gpus_is_on_the_screen_of_every_size(size: tuple[int, int]) -> None:
    quota = "quota gpus leaves 0 of 4 nvidia.com/gpu"
    report = msgspec.structs.replace(
        s.cluster(),
        checks=(
            Check(code="rights", state=State.OK, what="all fine"),
            Check(code="quota", state=State.WARNING, what=quota),
        ),
        pull=PullSecrets(namespace="ai", registries=("quay.io",)),
        inventory=msgspec.structs.replace(
            s.cluster().inventory,
            scale_up=(ScaleUp(machine_set="gpu", product="L40S", gpus_per_node=4, max_replicas=3),),
        ),
    )
    async with s.dashboard(s.FakeEngine([*s.begin(), e.ClusterRead(report=report)]), size) as (app, pilot):
        await gpu_screen(app, pilot)
        if size[0] < 110:
            assert not s.shows(app, quota)
            await pilot.press("i")
        await s.wait_for(pilot, lambda: s.shows(app, quota), "the quota")
        assert s.shows(app, "could be added: 12 x L40S")
        assert s.shows(app, "pull secrets cover quay.io")
        assert not s.shows(app, "all fine")


def _texts(rows: list[Row]) -> str:
    return "".join(f"{span[0]} " for one in rows for span in one.spans)


def test_a_node_says_which_models_its_pods_may_not_be_and_why() -> None:
    """The verdict's own question: a node with too little storage, beside one with room."""
    small = s.node("small", ephemeral_mib=2 * 1024, stated=False, cpu_milli=96_000, memory_mib=512 * 1024)
    large = msgspec.structs.replace(small, name="large", ephemeral_mib=900 * 1024)
    events = [*s.decided(), e.ClusterRead(report=s.cluster((small, large)))]
    state = fold(e.Stamped(number, 0.0, event) for number, event in enumerate(events))
    told = {line.name: _texts(detail_rows(state, line, 200, UNICODE)) for line in gpu_rows(state)}
    assert "not for" in told["small"]
    assert "it has 2.0 GiB of local storage, the image has" in told["small"]
    assert "local storage" not in told["large"]


def test_a_row_tells_how_its_cards_are_shared_as_the_report_does() -> None:
    shared = Pool(resource="nvidia.com/gpu", units=4, capacity=4, free=2, mem_mib=46068)
    sliced = msgspec.structs.replace(shared, mem_guarantee=Guarantee.NONE)
    told = []
    whole = msgspec.structs.replace(shared, units=1, capacity=1, mem_guarantee=Guarantee.EXCLUSIVE)
    for pool in (sliced, shared, whole):
        node = GpuNode(name="n", vendor="nvidia", product="L40S", physical=1, pool=(pool,))
        cluster = AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory(nodes=(node,)))
        (line,) = gpu_rows(RunState(cluster=cluster))
        told.append((line.how, line.shared))
    assert told == [("time-sliced x4", True), ("shared, how is not known", True), ("", False)]
