"""Models and causes from the suite's two streams, in whatever order a log merges them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.outcome import classify
from modelcar_tui.qa.types import QaModelResult, QaOutcome

FN = "test_oci_model_car_raw_openai_inference"
NODE = f"tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py::TestVLLMModelCarRaw::{FN}"
STAMP = "2026-08-21T09:36:35.256298Z"
QUOTA = 'inferenceservices "b" is forbidden: exceeded quota: gpu'
CUDA = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."


def node(model: str) -> str:
    return f"{NODE}[{model}-standard] "


def ruler(model: str) -> str:
    return f"------- {FN}[{model}-standard] -------"


def status(model: str, word: str, when: str = "") -> str:
    return f"TEST: TestVLLMModelCarRaw.{FN}[{model}-standard]{when} STATUS: {word}"


def traceback(*said: str) -> list[str]:
    """What pytest prints of an exception: values, source and a docstring round the few lines that say it."""
    return [
        "isvc = <ocp_resources.inference_service.InferenceService object>, reason = 'OOMKilled'",
        "",
        "    def verify_no_failed_pods(client, isvc):",
        '        """',
        "        Raises:",
        "            FailedPodsError: a pod in CrashLoopBackOff, or a TimeoutExpiredError",
        '        """',
        '        container_wait_base_errors = ["InvalidImageName"]',
        ">       raise TimeoutExpiredError(self._get_exception_log(exp=last_exp))",
        *(f"E       {line}" for line in said),
        "",
        "utilities/infra.py:804: FailedPodsError",
    ]


def failed(model: str, word: str, *said: str) -> tuple[list[str], list[str]]:
    """stdout and stderr of a test that fails."""
    when = " [setup]" if word == "ERROR" else ""
    title = f"ERROR at setup of TestVLLMModelCarRaw.{FN}" if word == "ERROR" else f"TestVLLMModelCarRaw.{FN}"
    out = [f"{node(model)}{word}", f"_ {title}[{model}-standard] _", *traceback(*said)]
    first, *rest = traceback(*said)
    err = [
        ruler(model),
        "------- SETUP -------",
        f"{STAMP} [info     ] Executing class fixture: model_namespace [conftest]",
        status(model, word, when),
        f"{STAMP} [error    ] {first}",
        *rest[:-1],
        f"{rest[-1]} [conftest]",
        "------- TEARDOWN -------",
    ]
    return out, err


def passed(model: str, *said: str) -> tuple[list[str], list[str]]:
    err = [ruler(model), "------- SETUP -------", *said, "------- CALL -------", status(model, "PASSED")]
    return [f"{node(model)}PASSED"], [*err, "------- TEARDOWN -------"]


def run(*lines: str) -> SuiteParser:
    parser = SuiteParser()
    for line in lines:
        parser.feed(line)
    return parser


def by_name(outcome: QaOutcome) -> dict[str, QaModelResult]:
    return {model.model: model for model in outcome.models}


TESTS = (
    passed("a", f"{STAMP} [warning  ] {CUDA} [vllm]"),
    failed("b", "ERROR", "kubernetes.dynamic.exceptions.ForbiddenError: 403", "Reason: Forbidden", QUOTA),
    failed("c", "FAILED", CUDA),
    passed("d"),
)
END = (
    "================ 1 failed, 2 passed, 1 error in 9.00s ================",
    "================ ERRORS ================",
    f"_ ERROR at setup of TestVLLMModelCarRaw.{FN}[b-standard] _",
    *traceback("kubernetes.dynamic.exceptions.ForbiddenError: 403", "Reason: Forbidden", QUOTA),
    "================ FAILURES ================",
    f"_ TestVLLMModelCarRaw.{FN}[c-standard] _",
    *traceback(CUDA),
    "================ short test summary info ================",
    f"FAILED {node('c')}- torch.OutOfMemoryError: CUDA out of memory. Tried to al...",
    f"ERROR {node('b')}- kubernetes.dynamic.exceptions.ForbiddenError: 403",
    "Reason: Forbidden",
    "TimeoutExpiredError: Timed Out: 20",
    "================ 1 failed, 2 passed, 1 error in 9.00s ================",
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_merge_of_the_two_streams_tells_the_same(data: st.DataObject) -> None:
    parser, seen = SuiteParser(), [""]
    for number, (stdout, stderr) in enumerate(TESTS, 1):
        counts = "0 Pass, 0 Fail, 0 Skip, 0 XPass, 0 XFail, 0 Error, 0 ReRun"
        # A test begins on stderr; from there its streams come as they like.
        begin, *err = stderr
        out = [*stdout, f"_ {number} of 4 completed, {counts} _"]
        parser.feed(begin)
        while out or err:
            parser.feed((out if out and (not err or data.draw(st.booleans())) else err).pop(0))
            if parser.result.model != seen[-1]:
                seen.append(parser.result.model)
    for line in END:
        parser.feed(line)
    outcome = classify(parser, exit_status=1)
    assert seen == ["", "a", "b", "c", "d"]
    assert [(one.model, one.status, one.cause) for one in outcome.models] == [
        ("a", "PASSED", ""),
        ("b", "ERROR", "QUOTA"),
        ("c", "FAILED", "CUDA_OOM"),
        ("d", "PASSED", ""),
    ]
    assert outcome.code == "QA_ERROR:CUDA_OOM"
    assert parser.result.phase == "finished"


def test_an_id_of_stdout_tells_the_model_only_until_a_ruler_does() -> None:
    parser = run(node("a"))
    assert parser.result.model == "a"
    parser.feed(ruler("a"))
    parser.feed(node("b"))
    assert parser.result.model == "a"
    parser.feed(ruler("b"))
    assert parser.result.model == "b"


@pytest.mark.parametrize(
    "glued",
    [
        f"{NODE}[a-standard] PASSED",
        f"{NODE}[a-standard] PASSED{STAMP} [info     ] Delete Namespace x [ocp_resources Namespace]",
        f"{NODE}[a-standard] {status('a', 'PASSED')}",
        f"{NODE}[a-standard] {STAMP} [info     ] Executing class fixture: model_namespace [conftest]",
    ],
)
def test_an_id_with_a_line_of_the_other_stream_glued_to_it_is_found(glued: str) -> None:
    parser = run("collecting ... collected 1 item", glued)
    assert list(parser.result.models) == ["a"]
    assert parser.result.models["a"].status == ("PASSED" if "PASSED" in glued else "")


def test_a_word_alone_on_its_line_changes_nothing_and_what_is_glued_to_it_counts() -> None:
    parser = run(ruler("a"), "PASSED", f"FAILED{status('a', 'FAILED')}")
    assert parser.result.models["a"].status == "FAILED"


def test_a_status_behind_a_piece_of_the_other_stream_counts_and_so_does_the_piece() -> None:
    parser = run(
        ruler("a"), f"E       {CUDA}{status('a', 'ERROR', ' [setup]')}", f"{node('b')}PASSED   [100%]"
    )
    assert [(one.model, one.status, one.cause) for one in parser.result.models.values()] == [
        ("a", "ERROR", "CUDA_OOM"),
        ("b", "PASSED", ""),
    ]


def test_a_line_of_nothing_but_glued_ids_is_taken_apart_only_so_far() -> None:
    parser = run("".join(f"tests/a.py::b::c[m{number}-raw] FAILED" for number in range(500)))
    assert list(parser.result.models)[:2] == ["m0", "m1"]
    assert len(parser.result.models) < 12
    assert parser.result.lines == 1


def test_a_word_counts_where_no_status_line_came() -> None:
    parser = run(node("a"), f"{node('a')}ERROR", f"{node('b')}SKIPPED")
    assert [(one.model, one.status, one.phase) for one in parser.result.models.values()] == [
        ("a", "ERROR", "setup"),
        ("b", "SKIPPED", "call"),
    ]


@pytest.mark.parametrize(
    ("ident", "model"),
    [
        ("llama[fp8]-standard", "llama[fp8]"),
        ("my model - v2-raw", "my model - v2"),
        ("a-standard-raw", "a-standard"),
        ("gr\\xe4nite-\\u6a21-standard", "gränite-模"),
        ("back\\\\slash-standard", "back\\slash"),
        ("evil\\x1b]0;x\\x07-standard", "evil"),
        ("twice-standard0", "twice"),
        ("twice-standard1", "twice (2)"),
        ("m" * 120 + "-serverless", "m" * 120),
    ],
)
def test_names_are_read_from_ids_whatever_they_hold(ident: str, model: str) -> None:
    name = f"{FN}[{ident}]"
    for line in (f"--- {name} ---", f" {name} ", name):
        parser = run(line, "--- SETUP ---", f"TEST: TestVLLMModelCarRaw.{name} STATUS: FAILED")
        assert list(parser.result.models) == [model]
        assert parser.result.models[model].status == "FAILED"
    assert list(run(f"{NODE}[{ident}] FAILED").result.models) == [model]


def test_a_model_in_two_modes_begins_twice() -> None:
    lines = []
    for mode in ("raw", "serverless"):
        name = f"{FN}[m-{mode}]"
        lines += [f"--- {name} ---", "--- SETUP ---", f"TEST: T.{name} STATUS: PASSED"]
    parser = run(*lines)
    assert (parser.result.begun, list(parser.result.models)) == (2, ["m"])


def test_a_run_of_twelve_with_two_failures_names_both_with_their_causes() -> None:
    lines = ["collecting ... collected 12 items"]
    for number in range(12):
        model = f"m{number}"
        test = {3: failed(model, "ERROR", QUOTA), 8: failed(model, "FAILED", CUDA)}.get(number, passed(model))
        lines += [*test[1], *test[0]]
    outcome = classify(run(*lines, "== 1 failed, 10 passed, 1 error in 9.0s =="), exit_status=1)
    assert outcome.message.startswith("2 of 12 models failed: m3 (QUOTA), m8 (CUDA_OOM); m8: ")
    assert outcome.cause == f"m8: {CUDA}"
    assert {one.model: one.cause for one in outcome.models if one.cause} == {"m3": "QUOTA", "m8": "CUDA_OOM"}
    assert by_name(outcome)["m3"].line == QUOTA


def test_a_failure_without_a_known_cause_shows_its_own_first_error() -> None:
    out, err = failed("a", "FAILED", "ValueError: something that nobody knows", "more of it")
    outcome = classify(run(*err, *out, "== 1 failed in 9.0s =="), exit_status=1)
    assert outcome.code == "QA_ERROR:TESTS_FAILED"
    assert outcome.cause == by_name(outcome)["a"].line == "ValueError: something that nobody knows"


def test_forbidden_is_told_with_verb_and_resource() -> None:
    body = (
        'HTTP response body: b\'{"kind":"Status","status":"Failure","message":"'
        'datascienceclusters.example \\\\"default-dsc\\\\" is forbidden: User \\\\"dev\\\\" cannot get '
        "resource "
        '\\\\"datascienceclusters\\\\" in API group \\\\"example\\\\" at the cluster scope",'
        '"reason":"Forbidden","code":403}\''
    )
    said = (
        "kubernetes.dynamic.exceptions.ForbiddenError: 403",
        "Reason: Forbidden",
        body,
        "Original traceback: ",
    )
    code = ('  File "client.py", line 55, in inner', "    raise TimeoutExpiredError(")
    outcome = classify(run(*(f"INTERNALERROR> {line}" for line in (*said, *code))), exit_status=3)
    assert outcome.code == "QA_ERROR:FORBIDDEN"
    assert outcome.message.endswith(': get "datascienceclusters"')
    assert outcome.cause.startswith(
        'datascienceclusters.example "default-dsc" is forbidden: User "dev" cannot get'
    )


def test_a_pods_status_over_many_lines_is_told_by_its_message() -> None:
    said = (
        "utilities.exceptions.FailedPodsError: The following pods are not running: {'m-predictor': {",
        " 'containerStatuses': [{'name': 'kserve-container',",
        "                        'state': {'waiting': {'message': 'back-off 5m0s restarting '",
        "                                                         'failed container=kserve-container',",
        "                                              'reason': 'CrashLoopBackOff'}}}],",
    )
    outcome = classify(run(*failed("m", "ERROR", *said)[1]), exit_status=1)
    assert outcome.code == "QA_ERROR:CRASH_LOOP"
    assert outcome.cause == "CrashLoopBackOff: back-off 5m0s restarting failed container=kserve-container"


def test_the_line_that_names_the_argument_is_shown_not_the_one_that_counts_errors() -> None:
    refused = "Value error, User-specified max_model_len (200000) is greater than the derived max_model_len"
    lines = ("ValidationError: 1 validation error for ModelConfig", f"  {refused}")
    outcome = classify(run(ruler("m"), *lines, status("m", "ERROR", " [setup]")), exit_status=1)
    assert (outcome.code, outcome.cause) == ("QA_ERROR:VLLM_ARGUMENT", refused)


def test_a_quote_within_a_pods_message_does_not_end_it() -> None:
    said = (
        "FailedPodsError: {'m': {'state': {'waiting': {'message': 'couldn\\'t parse image name \"A/b\": "
        "invalid reference format', 'reason': 'InvalidImageName'}}}}"
    )
    outcome = classify(run(*failed("m", "ERROR", said)[1]), exit_status=1)
    assert outcome.cause == ('InvalidImageName: couldn\'t parse image name "A/b": invalid reference format')


def test_the_component_that_is_not_ready_is_said() -> None:
    outcome = classify(
        run(
            f"{STAMP} [error    ] Cluster sanity check failed: Timed Out: 120",
            "Function: utilities.infra.wait_for_dsc_status_ready  Kwargs: {'dsc_resource': <object>}",
            "Last exception: ResourceNotReadyError: DSC default-dsc is not ready:",
            "  Ready: None",
            "  TrustyAIReady: deployment trustyai has 0/1 ready replicas.",
            "Elapsed time: 120 [0:02:00] [utilities.infra] name=utilities.infra",
        ),
        exit_status=99,
    )
    assert outcome.code == "QA_ERROR:DSC_NOT_READY"
    assert "TrustyAIReady: deployment trustyai has 0/1 ready replicas" in outcome.message


def test_a_wrong_answer_is_judged_by_the_suite_not_by_the_models_own_words() -> None:
    said = (
        "tests.model_serving.model_runtime.utils.InferenceValidationError: Response #0: Text contains error "
        "indicator 'out of memory'. Text: 'CUDA out of memory means that the GPU is full'"
    )
    outcome = classify(run(*failed("m", "FAILED", said)[1]), exit_status=1)
    assert outcome.code == "QA_ERROR:WRONG_ANSWER"
    assert by_name(outcome)["m"].phase == "call"


def test_an_answer_over_many_lines_in_the_log_is_no_cause() -> None:
    lines = (
        ruler("m"),
        "--- SETUP ---",
        f"{STAMP} [info     ] the model says:",
        CUDA,
        "exceeded quota: gpu [utilities.plugins.openai_plugin] name=utilities.plugins.openai_plugin",
        "curl: (6) Could not resolve host: raw.githubusercontent.com",
        status("m", "FAILED"),
    )
    assert classify(run(*lines), exit_status=1).code == "QA_ERROR:NO_INTERNET"


def test_a_run_that_was_stopped_is_told_with_the_cause_of_the_model_that_ran() -> None:
    parser = run(*passed("a")[1], ruler("b"), "--- SETUP ---", f"{STAMP} [error    ] {QUOTA} [x]")
    outcome = classify(parser, exit_status=1)
    assert outcome.code == "QA_ERROR:QUOTA"
    assert by_name(outcome)["b"].status == ""
