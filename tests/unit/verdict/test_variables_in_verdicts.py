"""A value that Kubernetes puts in makes the verdict wait, and what the runtime says settles it."""

from __future__ import annotations

import msgspec
import pytest
from deciding_support import cluster_of, decide, h100, model

from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelVerdict, Verdict

ASKED = ("--max-model-len=$(MAX_LEN)", "--gpu-memory-utilization=$(UTIL)")


def with_runtime(**environment: str) -> AcceleratorReport:
    runtime = Runtime(image="quay.io/x/vllm:1", environment=tuple(environment.items()))
    return msgspec.structs.replace(cluster_of(h100()), runtime=runtime)


def decided(report: AcceleratorReport) -> ModelVerdict:
    return decide_model(model(*ASKED), report, candidates(report), "0.19.1")


def test_the_verdict_is_unknown_and_says_what_would_settle_it() -> None:
    for args in (ASKED, ("$(EXTRA_ARGS)",), ("--tensor-parallel-size=$(TP)",)):
        found = decide(model(*args), h100(), vllm="0.19.1")
        assert found.verdict is Verdict.UNKNOWN and "not known here" in found.why
        assert found.settle.startswith("write the value in the place of $(")


def test_a_value_that_is_no_matter_of_memory_leaves_the_verdict_alone() -> None:
    found = decide(model("--max-model-len=8192", "--served-model-name=$(NAME)"), h100(), vllm="0.19.1")
    assert found.verdict is Verdict.GO


@pytest.mark.parametrize(
    ("environment", "verdict"),
    [
        ({"MAX_LEN": "8192", "UTIL": "0.9"}, Verdict.GO),
        ({"MAX_LEN": "8192"}, Verdict.UNKNOWN),
        ({"MAX_LEN": "999999999", "UTIL": "0.9"}, Verdict.NO_GO),
        ({"MAX_LEN": "many", "UTIL": "0.9"}, Verdict.NO_GO),
    ],
)
def test_what_the_runtime_says_literally_is_known(environment: dict[str, str], verdict: Verdict) -> None:
    assert decided(with_runtime(**environment)).verdict is verdict
