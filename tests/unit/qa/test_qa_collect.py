"""What `--collect-only` says, before anything is lent or changed."""

from __future__ import annotations

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.qa.collect import judge

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
        ("something else", ("a",), (), ""),
    ],
)
def test_tests_are_held_against_the_manifest(
    text: str, models: tuple[str, ...], found: tuple[str, ...], caution: str
) -> None:
    got, said = judge(0, text, models)
    assert got == found
    assert caution in said
    assert bool(said) == bool(caution)


@pytest.mark.parametrize(
    ("status", "text", "code", "word"),
    [
        (4, "usage: pytest\npytest: error: unrecognized arguments: --x", "suite-usage", "arguments: --x"),
        (5, "no tests collected", "no-tests", "no test"),
    ],
)
def test_what_would_fail_is_refused_before(status: int, text: str, code: str, word: str) -> None:
    with pytest.raises(UserError) as caught:
        judge(status, text, ("a",))
    assert caught.value.problems[0].code == code
    assert word in caught.value.problems[0].what


def test_suite_that_needs_the_cluster_to_list_its_tests_is_run_all_the_same() -> None:
    found, said = judge(3, "INTERNALERROR> ConfigException: no configuration", ("a",))
    assert found == ()
    assert "exit status 3: INTERNALERROR> ConfigException" in said
