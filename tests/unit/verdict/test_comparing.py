"""Predicted against actual: vLLM's own figures beside our estimate."""

from __future__ import annotations

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.manifest.plan import Plan
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.measured import measured_line
from modelcar_tui.qa.outcome import classify
from modelcar_tui.qa.types import QaMeasured, QaModelResult, QaOutcome
from modelcar_tui.verdict.comparing import compare
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict

ESTIMATE = Estimate(
    outcome=Outcome.STARTS,
    why="needs 18.4 GiB of 80.0 GiB",
    weights_gib=Fact(value=15.25, source=Source.COMPUTED, unit="GiB"),
    kv_tokens=Fact(value=300_000, source=Source.NAME, low=250_000.0, high=350_000.0),
)
LINES = (
    "tests/a/test_x.py::TestVLLMModelCarRaw::test_oci[granite-3.1-8b-instruct-standard] ",
    "(VllmWorker rank=0) INFO Model loading took 15.2703 GiB and 10.11 seconds",
    "(VllmWorker rank=1) INFO Model loading took 15.2703 GiB and 10.42 seconds",
    "INFO GPU KV cache size: 301,232 tokens",
    "INFO Available KV cache memory: 52.10 GiB",
    "tests/a/test_x.py::TestVLLMModelCarRaw::test_oci[other-standard] ",
    "INFO GPU KV cache size: 1,000 tokens",
)


def report() -> DecisionReport:
    verdict = ModelVerdict(
        model="granite-3.1-8b-instruct",
        verdict=Verdict.GO,
        comparison="18 GiB vs 80 GiB",
        why="it fits",
        estimate=ESTIMATE,
    )
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    return DecisionReport(verdict=Verdict.GO, why="", models=(verdict,), plan=plan)


def test_figures_of_the_log_stand_beside_the_estimate() -> None:
    parser = SuiteParser()
    for line in LINES:
        parser.feed(line)
    outcome = compare(classify(parser, exit_status=0), report())
    name = "granite-3.1-8b-instruct"
    assert [measured_line(one) for one in outcome.measured] == [
        f"{name}: weights 15.27 GiB per GPU measured, 15.25 predicted (0.1 % low)",
        f"{name}: loading 10.11 s measured",
        f"{name}: KV cache 301,232 tokens measured, 300,000 (250,000 to 350,000) predicted (0.4 % low)",
        f"{name}: KV cache 52.10 GiB per GPU measured; no prediction: needs 18.4 GiB of 80.0 GiB",
        "other: KV cache 1,000 tokens measured; no prediction: there is no estimate for this model",
    ]


def test_estimate_stands_beside_a_model_that_ran_out_of_memory() -> None:
    def failed(cause: str) -> str:
        model = QaModelResult(model="granite-3.1-8b-instruct", status="FAILED", cause=cause)
        outcome = QaOutcome(code=f"QA_ERROR:{cause}", message="", models=(model,))
        return compare(outcome, report()).models[0].predicted

    assert failed("CUDA_OOM") == "18 GiB vs 80 GiB; needs 18.4 GiB of 80.0 GiB"
    assert failed("QUOTA") == ""


def test_a_name_that_the_suite_cut_to_twenty_characters_is_the_models() -> None:
    """The figures of a long name's model stand under its first twenty characters."""
    cut = "granite-3.1-8b-instruct"[:20]
    for name, known in ((cut, True), (cut[:19], False), ("granite-3.1-8b-instruct"[:21], False)):
        measured = QaMeasured(model=name, what="kv_tokens", value=1.0, line="")
        (found,) = compare(QaOutcome(code="QA_OK", message="", measured=(measured,)), report()).measured
        assert (found.predicted == 300_000) is known
