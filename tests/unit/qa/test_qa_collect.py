"""What `--collect-only` says, before anything is lent or changed."""

from __future__ import annotations

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.qa.engines.collect import judge
from modelcar_tui.qa.outcome import refused

IDS = """tests/model_runtime/vllm/modelcar/test_modelvalidation.py::TestVLLMModelCarRaw::test_x[a-standard]
tests/model_runtime/vllm/modelcar/test_modelvalidation.py::TestVLLMModelCarRaw::test_x[b-raw-standard]

2 tests collected in 3.21s
"""
TREE = """<Package modelcar>
  <Module test_modelvalidation.py>
    <Class TestVLLMModelCarRaw>
      <Function test_oci_model_car_raw_openai_inference[a-raw]>
"""


@pytest.mark.parametrize(
    ("text", "models", "found", "caution"),
    [
        (IDS, ("a", " b-raw "), ("a", "b-raw"), ""),
        (TREE, ("a",), ("a",), ""),
        (IDS, ("a", "b-raw", "", "c"), ("a", "b-raw"), "2 of 4 models; it leaves out (no name), c"),
        ("t.py::T::test_x[a-raw0]\nt.py::T::test_x[a-raw1]\n", ("a", "a"), ("a", "a (2)"), ""),
        ("t.py::T::test_x[gr\\xe4nit-raw]\n", ("gränit",), ("gränit",), ""),
        ("something else", ("a",), (), ""),
    ],
)
def test_tests_are_held_against_the_manifest(
    text: str, models: tuple[str, ...], found: tuple[str, ...], caution: str
) -> None:
    got = judge(0, text, models)
    assert got.models == found
    assert caution in got.caution
    assert bool(got.caution) == bool(caution)


@pytest.mark.parametrize(
    ("status", "text", "code", "word"),
    [
        (4, "usage: pytest\npytest: error: unrecognized arguments: --x", "suite-usage", "arguments: --x"),
        (5, "no tests collected", "no-tests", "no test"),
        (127, "Error: crun: executable file `uv` not found", "image-unsuitable", "executable file `uv`"),
    ],
)
def test_what_would_fail_is_refused_before(status: int, text: str, code: str, word: str) -> None:
    with pytest.raises(UserError) as caught:
        judge(status, text, ("a",))
    assert caught.value.problems[0].code == code
    assert word in caught.value.problems[0].what


CRASH = """INTERNALERROR> Traceback (most recent call last):
INTERNALERROR>   File "/usr/lib/x.py", line 1, in main
INTERNALERROR>     raise {last}
INTERNALERROR> {last}
"""


@pytest.mark.parametrize(
    "last",
    [
        "kubernetes.config.config_exception.ConfigException: Invalid kube-config file",
        "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='api', port=6443)",
        "kubernetes.client.exceptions.ApiException: (401)",
        "socket.gaierror: [Errno -2] Name or service not known",
    ],
)
def test_suite_that_needs_the_cluster_to_list_its_tests_is_run_all_the_same(last: str) -> None:
    got = judge(3, CRASH.format(last=last), ("a",))
    assert got.models == ()
    assert f"exit status 3: INTERNALERROR> {last}" in got.caution


@pytest.mark.parametrize("status", [1, 2, 3, 137])
@pytest.mark.parametrize(
    "last",
    [
        "FileNotFoundError: [Errno 2] No such file",
        "ModuleNotFoundError: No module named 'utilities'",
        "ImportError: cannot import name 'x' from 'kubernetes'",
    ],
)
def test_suite_that_crashes_while_it_lists_its_tests_ends_the_run_with_its_last_line(
    status: int, last: str
) -> None:
    with pytest.raises(UserError) as caught:
        judge(status, CRASH.format(last=last), ("a",))
    outcome = refused(caught.value.problems[0])
    assert outcome.code == "QA_ERROR:SUITE_CRASHED"
    assert outcome.message.endswith(f"(exit status {status}): INTERNALERROR> {last}")
    assert "--qa-image" in outcome.fix


def test_a_suite_that_tests_a_model_twice_has_so_many_tests() -> None:
    ids = "".join(f"tests/x.py::T::test_{mode}[a-{mode}]\n" for mode in ("raw", "serverless"))
    got = judge(0, ids, ("a",))
    assert (got.models, got.tests, got.caution) == (("a",), 2, "")
