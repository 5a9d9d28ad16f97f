"""What the suite's lines and exit status mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.errors import Problem
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.tables import failures, recognise
from modelcar_tui.qa.outcome import Ended, classify, refused
from modelcar_tui.qa.types import QaCounts

TEST = (
    "tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py::TestVLLMModelCarRaw::test_oci"
)
FINAL = "========= 1 passed, 2 skipped, 3 warnings in 83.10s (0:01:23) ========="


def parse(*lines: str) -> SuiteParser:
    parser = SuiteParser()
    for line in lines:
        parser.feed(line)
    return parser


def node(model: str, mode: str = "standard") -> str:
    return f"{TEST}[{model}-{mode}] "


def status(model: str, word: str, when: str = "", mode: str = "standard") -> str:
    return f"TEST: TestVLLMModelCarRaw.test_oci[{model}-{mode}]{when} STATUS: {word}"


def test_status_line_beats_the_glued_outcome_word() -> None:
    glued = (
        "PASSED2026-01-01T00:00:00.000001 ocp_resources Namespace INFO Delete Namespace raw-model-validation"
    )
    parser = parse(node("m", "raw"), status("m", "FAILED", mode="raw"), glued)
    assert parser.result.models["m"].status == "FAILED"
    assert (parser.result.tests.passed, parser.result.tests.failed) == (0, 1)


def test_teardown_error_after_a_pass_counts_and_a_pass_does_not_undo_an_error() -> None:
    parser = parse(
        node("m"), status("m", "PASSED"), status("m", "ERROR", " [teardown]"), status("m", "PASSED")
    )
    assert (parser.result.models["m"].status, parser.result.models["m"].phase) == ("ERROR", "teardown")


def test_doubled_closing_line_counts_once() -> None:
    parser = parse(FINAL, "========= 9 failed in 1.0s =========")
    assert parser.result.counts == QaCounts(passed=1, skipped=2)
    assert parser.result.seconds == 83.1


def test_names_with_dashes_and_modes_are_kept_whole() -> None:
    parser = parse(node("llama-3.1-8b-standard-raw"), status("llama-3.1-8b-standard-raw", "PASSED"))
    assert list(parser.result.models) == ["llama-3.1-8b-standard-raw"]


def test_progress_and_collection() -> None:
    parser = parse("collecting ... collected 7 items / 2 deselected")
    assert parser.result.total == 5
    parser.feed("_ 3 of 5 completed, 2 Pass, 1 Fail, 0 Skip, 0 XPass, 0 XFail, 0 Error, 0 ReRun _")
    assert (parser.result.done, parser.result.total) == (3, 5)


def test_objects_made_and_not_deleted_are_left_over() -> None:
    make = "2026-01-01T00:00:00Z [info     ] Create {} [ocp_resources {}]"
    drop = "2026-01-01T00:00:00Z [info     ] Delete {} [ocp_resources {}]"
    parser = parse(
        make.format("Namespace standard-model-validation", "Namespace"),
        make.format("InferenceService granite", "InferenceService"),
        drop.format("InferenceService granite", "InferenceService"),
    )
    outcome = classify(parser, exit_status=137)
    assert outcome.leftovers == ("Namespace/standard-model-validation",)


def test_vllm_figures_are_kept_for_comparison() -> None:
    parser = parse(
        node("m"),
        "INFO [gpu_model_runner.py:2653] Model loading took 15.27 GiB memory and 9.4 seconds",
        "INFO [gpu_worker.py:298] Available KV cache memory: 54.11 GiB",
        "INFO [kv_cache_utils.py:1087] GPU KV cache size: 354,624 tokens",
        "INFO [kv_cache_utils.py:1091] Maximum concurrency for 2,048 tokens per request: 173.16x",
    )
    values = {
        figure.what: (figure.model, figure.value) for figure in classify(parser, exit_status=0).measured
    }
    assert values == {
        "weights_gib": ("m", 15.27),
        "load_s": ("m", 9.4),
        "kv_cache_gib": ("m", 54.11),
        "kv_tokens": ("m", 354_624.0),
        "concurrency": ("m", 173.16),
    }


@pytest.mark.parametrize(
    ("lines", "exit_status", "code"),
    [
        ((node("m"), status("m", "PASSED"), FINAL), 0, "QA_OK"),
        (("======= 3 skipped in 1.00s =======",), 0, "QA_ERROR:NONE_RAN"),
        ((), 0, "QA_ERROR:NO_RESULT"),
        (("======= 1 failed, 1 passed in 1.00s =======",), 0, "QA_ERROR:TESTS_FAILED"),
        ((node("m"), status("m", "FAILED"), "======= 1 failed in 1.00s ======="), 1, "QA_ERROR:TESTS_FAILED"),
        (("INTERNALERROR> RuntimeError: boom",), 3, "QA_ERROR:SUITE_CRASHED"),
        (("INTERNALERROR> ApiException: (401)",), 3, "QA_ERROR:TOKEN_EXPIRED"),
        (("ERROR: file or directory not found: tests/x.py",), 4, "QA_ERROR:SUITE_USAGE"),
        ((), 5, "QA_ERROR:NO_TESTS"),
        ((), 99, "QA_ERROR:CLUSTER_UNHEALTHY"),
        ((), 125, "QA_ERROR:PODMAN_FAILED"),
        ((), 126, "QA_ERROR:IMAGE_UNSUITABLE"),
        ((), 127, "QA_ERROR:IMAGE_UNSUITABLE"),
        ((), 137, "QA_ERROR:KILLED"),
        ((), 2, "QA_ERROR:INTERRUPTED"),
        ((), 77, "QA_ERROR:UNEXPECTED"),
        ((), None, "QA_ERROR:UNEXPECTED"),
    ],
)
def test_exit_status_and_lines_together(lines: tuple[str, ...], exit_status: int | None, code: str) -> None:
    outcome = classify(parse(*lines), exit_status=exit_status)
    assert outcome.code == code
    assert outcome.message
    assert outcome.ok or outcome.fix


def test_cause_of_a_model_that_passed_does_not_explain_another_ones_failure() -> None:
    parser = parse(
        node("first"),
        "warning: CUDA out of memory, retrying with a smaller batch",
        status("first", "PASSED"),
        node("second"),
        "exceeded quota: gpu-quota",
        status("second", "FAILED"),
        "======= 1 failed, 1 passed in 1.00s =======",
    )
    outcome = classify(parser, exit_status=1)
    assert outcome.code == "QA_ERROR:QUOTA"
    assert [(m.model, m.cause) for m in outcome.models] == [("first", ""), ("second", "QUOTA")]


def test_client_librarys_ordinary_line_is_no_cause() -> None:
    assert recognise("ocp_resources INFO Trying to get client via new_client_from_config") is None
    assert (
        recognise("_ 5 of 5 completed, 5 Pass, 0 Fail, 0 Skip, 0 XPass, 0 XFail, 0 Error, 0 ReRun _") is None
    )


EXAMPLES = {
    "TOKEN_EXPIRED": "error: You must be logged in to the server (Unauthorized)",
    "FORBIDDEN": 'nodes is forbidden: User "dev" cannot list resource "nodes"',
    "KUBECONFIG_INVALID": "kubernetes.config.config_exception.ConfigException: Invalid kube-config file",
    "DSC_NOT_READY": "DataScienceCluster default-dsc is not ready: trustyai",
    "MODELCAR_DISABLED": "Exception: Cannot recognize storage type for oci://registry.redhat.io/x:1",
    "MODELCAR_LINK": "PermissionError: [Errno 13] Permission denied: '/proc/31/root/models'",
    "IMAGE_PULL_DENIED": "unable to retrieve auth token: invalid username/password: unauthorized",
    "IMAGE_NOT_FOUND": "reading manifest 1.9 in registry.redhat.io/x: manifest unknown",
    "IMAGE_PULL": "Back-off pulling image: ImagePullBackOff",
    "CUDA_OOM": "ValueError: No available memory for the cache blocks. Try increasing gpu_memory_utilization",
    "VLLM_ARGUMENT": "vllm serve: error: unrecognized arguments: --max-model-length=2048",
    "UNSUPPORTED_MODEL": "ValueError: Model architectures ['FooForCausalLM'] are not supported for now.",
    "HOST_OOM": "Last state: Terminated, reason: OOMKilled",
    "QUOTA": "pods is forbidden: exceeded quota: gpu-quota",
    "UNSCHEDULABLE": "0/6 nodes are available: 6 Insufficient nvidia.com/gpu.",
    "ACCELERATOR_UNSUPPORTED": "ValueError: SPYRE_x86 is no supported accelerator",
    "PULL_SECRET_INVALID": "ValueError: registry secret for quay.io is not set",
    "TEMPLATE_NOT_FOUND": "Template vllm-cuda-runtime-template was not found in redhat-ods-applications",
    "NO_INTERNET": "HTTPSConnectionPool(host='raw.githubusercontent.com', port=443): Max retries exceeded",
    "CLUSTER_UNREACHABLE": "Unable to connect to the server: dial tcp: i/o timeout",
    "CRASH_LOOP": "container kserve-container is in CrashLoopBackOff",
    "READY_TIMEOUT": "timeout_sampler.TimeoutExpiredError: Timed Out: 1800",
    "WRONG_ANSWER": "AssertionError: the response does not hold the keyword Paris",
}


def test_every_example_is_of_a_known_failure() -> None:
    assert set(EXAMPLES) <= {known.code for known in failures()}


@pytest.mark.parametrize(("code", "line"), EXAMPLES.items())
def test_known_failures_are_recognised(code: str, line: str) -> None:
    found = recognise(line)
    assert found is not None
    assert found[1].code == code
    outcome = classify(parse(node("m"), line, status("m", "FAILED")), exit_status=1)
    assert (outcome.code, outcome.cause) == (f"QA_ERROR:{code}", line)
    assert outcome.fix


@pytest.mark.parametrize("ended", [ended for ended in Ended if ended is not Ended.ITSELF])
def test_what_ended_it_is_said_with_the_phase(ended: Ended) -> None:
    outcome = classify(parse(node("m"), "-------- CALL --------"), exit_status=130, ended=ended, limit_s=5)
    assert "inference (m)" in outcome.message
    assert not outcome.ok


def test_our_own_refusals_have_codes() -> None:
    assert refused(Problem(what="x", code="kubeconfig")).code == "QA_ERROR:KUBECONFIG_INVALID"
    assert refused(Problem(what="x", where="f.yaml", fix="y")).message == "f.yaml: x"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=60), st.sampled_from([FINAL, node("m"), status("m", "PASSED")])),
        max_size=30,
    )
)
def test_no_line_makes_it_fall(lines: list[str]) -> None:
    parser = parse(*lines)
    for exit_status in (0, 1, None):
        classify(parser, exit_status=exit_status)


def test_long_hostile_lines_cost_little() -> None:
    import time

    began = time.thread_time()
    for line in (
        "=" * 4000,
        "oci:// " * 500,
        "Failed to pull image" + " x" * 1900,
        "is forbidden: User " * 200,
        "DataScienceCluster not " * 170,
        "_ 1 of 2 completed, " * 200,
        "/proc/1/root" * 300,
        "(" + "pid=1" * 12_000,
        "(" + "x" * 60_000,
        "ERROR 1" + " " * 60_000,
    ):
        parse(*[line] * 20)
    # CPU time, some thirty times what it takes: a pattern that explodes takes minutes, a busy machine no
    # more.
    assert time.thread_time() - began < 10


def test_every_code_is_in_the_operators_table() -> None:
    import re
    from pathlib import Path

    from modelcar_tui.qa import outcome as module

    root = Path(__file__).parents[3]
    table = set(re.findall(r"`([A-Z][A-Z_0-9]+)`", (root / "docs" / "qa.md").read_text()))
    codes = {known.code for known in failures()}
    codes |= {code for code, _, _ in module._BY_STATUS.values()} | set(module._REFUSED.values())
    source = "".join(path.read_text() for path in (root / "src/modelcar_tui/qa").glob("*.py"))
    codes |= set(re.findall(r"could_not_start\(\s*\"([A-Z_]+)\"", source))
    codes |= {ended.name for ended in Ended if ended not in (Ended.ITSELF, Ended.LOST)} | {"CONTAINER_LOST"}
    assert codes <= table, codes - table


def test_every_code_that_the_watch_and_the_engines_single_out_is_one() -> None:
    from modelcar_tui.qa import outcome, watch_causes, watch_outcome
    from modelcar_tui.qa.engines import kube_state

    table = {known.code for known in failures()}
    ends = {code for code, _, _ in outcome._BY_STATUS.values()} | {"TIMEOUT", "MODEL_TIMEOUT", "HANG"}
    assert watch_causes._OF_THE_CLUSTER | watch_causes._SETTLED | set(watch_causes._GENERAL.values()) <= table
    assert set(kube_state._REFUSED_PODS) | set(kube_state._IMAGE) <= table
    assert table | {"", "TESTS_FAILED"} >= watch_outcome._VAGUE
    assert ends | {"CONTAINER_LOST"} >= watch_outcome._STOPPED


@pytest.mark.parametrize("counts_come_last", [False, True])
def test_the_end_is_the_same_whichever_of_the_two_streams_is_read_first(counts_come_last: bool) -> None:
    wait = "2026-12-01T03:58:00.750881Z [info     ] Waiting for 240 seconds [0:04:00], retry every 1 seconds."
    wait += " (Function: ocp_resources.resource.wait_deleted.xxxxxx: self.exists) [timeout_sampler]"
    counts = "=================== 1 passed in 12.34s (0:00:12) ==================="
    parser = SuiteParser()
    for line in (wait, counts) if counts_come_last else (counts, wait):
        parser.feed(line)
    assert (parser.result.phase, parser.result.window_s) == ("finished", None)
