"""The GPU table: five thousand nodes, order, filter, and why a node does not count."""

from __future__ import annotations

import time

import msgspec
from textual.pilot import Pilot

from modelcar_tui.cluster.types import AcceleratorReport, Access, GpuNode, Inventory, Pool, Rung
from modelcar_tui.core.errors import Problem
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.faces.gpus import SORTS, arrange, columns, gpu_rows
from modelcar_tui.tui.patterns import parse_filter
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
        assert s.shows(app, "not used cordoned (SchedulingDisabled)")
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
            await pilot.press("s")
            seen.append(table.sort)
        assert tuple(seen) == SORTS
        rows = arrange(gpu_rows(app.state), "free", None)
        assert [line.free for line in rows] == [5, 5, 3, None]
        await pilot.press("s")
        assert table.sort == "place"
        assert table.current is not None
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


def test_a_node_without_units_is_a_row_with_its_reason() -> None:
    bare = s.node("bare", pool=(), why="no device plugin", usable=False)
    report = msgspec.structs.replace(s.cluster(), inventory=Inventory(nodes=(bare,)))
    rows = gpu_rows(RunState(cluster=report))
    assert [(line.name, line.total, line.why) for line in rows] == [("bare", 0, "no device plugin")]
    assert arrange(rows, "name", parse_filter("device plugin")) == rows
