"""The header: the manifest's file name whole, then what it is judged by, as much as there is room for."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.cluster.types import AcceleratorReport, Inventory, Versions
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.banner import header_row, short_host
from modelcar_tui.tui.rows import width
from pilot import support as s

PATH = "/srv/teams/inference/config-yaml/sample_modelcar_config.base.yaml"
NAME = "sample_modelcar_config.base.yaml"


def header(state: RunState, cells: int, *, screen: str = "", replay: bool = False, slow: bool = False) -> str:
    shown = header_row(Face(state=state, replay=replay, slow=slow), screen, cells)
    return "".join(part for part, _ in shown.spans)


def looked(**more: object) -> RunState:
    report = msgspec.structs.replace(s.cluster(), versions=Versions(ai="OpenShift AI Self-Managed 3.4.0"))
    state = RunState(path=PATH, run_id="20251009-083000-d01eda", cluster=report)
    return msgspec.structs.replace(state, **more)


def blind(rung: Rung, server: str = "") -> AcceleratorReport:
    access = Access(rung=rung, server=server, problem=Problem(what="w"))
    return AcceleratorReport(access=access, inventory=Inventory(known=False))


def test_what_is_most_important_is_told_first() -> None:
    assert header(looked(demo=True), 60).split() == [NAME, "api.prod", "DEMO"]
    assert header(looked(demo=True), 80).endswith("  api.prod · vLLM 0.10.1 (cluster's)  DEMO ")
    wide = header(looked(demo=True), 200)
    told = "api.prod · qa-operator · OpenShift AI 3.4.0 · vLLM 0.10.1 (cluster's) · run d01eda  DEMO "
    assert wide.endswith(told)
    assert wide.startswith(f" {PATH} ")


@pytest.mark.parametrize("cells", [60, 80, 120, 200])
@pytest.mark.parametrize("screen", ["", "GPUs"])
def test_the_file_s_name_is_never_cut(cells: int, screen: str) -> None:
    for demo in (False, True):
        for replay in (False, True):
            line = header(looked(demo=demo), cells, screen=screen, replay=replay, slow=cells > 60)
            assert NAME in line
            assert width(line) <= cells
            assert screen in line


def test_nothing_is_told_while_it_is_looked_up() -> None:
    begun = fold(s.stamp(s.begin()))
    assert header(begun, 120).split() == [s.BASE, "run", "3fa9"]
    assert header(RunState(), 80).split() == ["starting"]


def test_what_is_not_known_says_so() -> None:
    dark = looked(cluster=blind(Rung.NO_KUBECONFIG))
    assert "no cluster · vLLM ?" in header(dark, 80)
    refused = looked(cluster=blind(Rung.UNAUTHENTICATED, "https://api.prod.example.com:6443"))
    assert "api.prod: not authenticated · vLLM ?" in header(refused, 120)
    what_if = looked(cluster=blind(Rung.WHAT_IF))
    assert "what-if GPUs · vLLM ?" in header(what_if, 80)


def test_whose_vllm_it_is_stands_beside_it() -> None:
    assert "vLLM 0.11.0 (--vllm)" in header(looked(vllm="0.11.0"), 120)
    assert "vLLM 0.10.1 (cluster's)" in header(looked(), 120)


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://api.prod.example.com:6443", "api.prod"),
        ("https://127.0.0.1:41234", "127.0.0.1"),
        ("https://[fd00::1]:6443", "[fd00::1]"),
        ("https://localhost:6443/", "localhost"),
        ("api.lab.local", "api.lab"),
        ("", ""),
    ],
)
def test_a_host_is_short(server: str, host: str) -> None:
    assert short_host(server) == host
