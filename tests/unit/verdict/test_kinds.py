"""One model on each kind of GPU at hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import LLAMA_8B, SHORT, cluster_of, h100, model, node, t4

from modelcar_tui.cluster.types import GpuNode
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelRequirements, OnKind

L40S = node("l", "L40S", 1, mem=46068, cc="8.9")
LLAMA_70B: dict[str, Any] = {
    **LLAMA_8B,
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}


def cells(what: ModelRequirements, *nodes: GpuNode) -> list[tuple[str, OnKind, int | None]]:
    report = cluster_of(*nodes)
    found = decide_model(what, report, candidates(report), "0.19.0", each_kind=True)
    return [(cell.kind, cell.state, cell.gpus) for cell in found.kinds]


@pytest.mark.parametrize(
    ("what", "at", "state", "gpus"),
    [
        (model(SHORT), h100(), OnKind.FITS, 1),
        (
            model("--max-model-len=131072", "--gpu-memory-utilization=0.8"),
            node("l", "L40S", 1, mem=46068, cc="8.9"),
            OnKind.TIGHT,
            1,
        ),
        (model(SHORT), h100(free=0), OnKind.FULL, 1),
        (model(SHORT, gpus=8), h100(free=0), OnKind.FULL, 8),
        (model(SHORT), t4(), OnKind.REFUSED, 2),
        (model(SHORT, config=LLAMA_70B), h100(), OnKind.REFUSED, 2),
        (model(SHORT, config=LLAMA_70B), h100(units=1), OnKind.REFUSED, None),
        (model(SHORT), h100(free=None), OnKind.UNKNOWN, 1),
        (model(SHORT, gpus=16), h100(), OnKind.REFUSED, None),
    ],
)
def test_a_cell_says_how_and_with_how_many(
    what: ModelRequirements, at: GpuNode, state: OnKind, gpus: int | None
) -> None:
    ((_, found, count),) = cells(what, at)
    assert (found, count) == (state, gpus)


def test_every_kind_has_its_cell_in_the_inventory_s_order_and_its_reason() -> None:
    report = cluster_of(t4(), h100(free=0))
    what = model(SHORT)
    found = decide_model(what, report, candidates(report), "0.19.0", each_kind=True)
    assert [cell.kind for cell in found.kinds] == ["Tesla-T4 15 GiB", "H100-80GB-HBM3 80 GiB"]
    assert "no node has 1 free now" in found.kinds[1].why
    assert found.kinds[0].why
    assert decide_model(what, report, candidates(report), "0.19.0").kinds == ()
    bare = msgspec.structs.replace(found, kinds=())
    assert bare == decide_model(what, report, candidates(report), "0.19.0")
