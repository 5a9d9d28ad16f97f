"""What Kubernetes puts into the arguments: never an error, never changed, and the verdict waits for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.manifest import ServingArguments
from modelcar_tui.manifest.variables import expanded, references
from modelcar_tui.vllm.arguments.engine_args import read_engine_args, served_args
from modelcar_tui.vllm.arguments.parsing import last_value, parse_arguments
from modelcar_tui.vllm.arguments.variables import settles_variables, with_environment


@pytest.mark.parametrize(
    ("text", "names", "becomes"),
    [
        ("$(A)", ("A",), "1"),
        ("x$(A)y$(A)", ("A", "A"), "x1y1"),
        ("$$(A)", (), "$$(A)"),
        ("$$$(A)", ("A",), "$1"),
        ("$(A)$$", ("A",), "1$"),
        ("$(A) $(B)", ("A", "B"), "$(A) $(B)"),
        ("$(A", (), "$(A"),
        ("$A ${A} $() $", (), "$A ${A} $() $"),
        ('{"image": $(A)}', ("A",), '{"image": 1}'),
        ("$(no name)", (), "$(no name)"),
    ],
)
def test_references_are_read_as_kubernetes_reads_them(
    text: str, names: tuple[str, ...], becomes: str
) -> None:
    assert references(text) == names
    assert expanded(text, {"A": "1"}) == becomes


@given(st.text(alphabet="$()AB a", max_size=30))
def test_what_has_no_reference_is_left_alone(text: str) -> None:
    assert references(text) or expanded(text, {"A": "1", "B": "2"}) == text


@pytest.mark.parametrize(
    ("args", "unknown"),
    [
        (("--max-model-len=$(N)",), 1),
        (("--max-model-len", "$(N)"), 1),
        (("$(EXTRA_ARGS)",), 1),
        (("--served-model-name=$(NAME)",), 0),
        (("--max-model-len=$(N)", "--max-model-len=8192"), 0),
        (("--max-model-len=8192", "--max-model-len=$(N)"), 1),
        (("--rope-scaling=$(R)",), 1),
        (("--compilation-config.mode=$(M)",), 1),
        (("--max-model-len=$$(N)",), 0),
    ],
)
def test_what_decides_about_memory_is_not_known(args: tuple[str, ...], unknown: int) -> None:
    found = read_engine_args(args, None, "0.8.5" if "rope" in args[0] else "0.19.1")
    assert len(found.unknown) == unknown
    assert found.mended().unknown == found.unknown
    assert bool(found.problems) == ("$$" in args[0])


def test_the_last_one_counts_and_none_where_it_is_not_known() -> None:
    later, first = (
        ("--max-model-len=8192", "--max-model-len=$(N)"),
        ("--max-model-len=$(N)", "--max-model-len=9"),
    )
    assert read_engine_args(later, None, "0.19.1").max_model_len is None
    assert read_engine_args(first, None, "0.19.1").max_model_len == 9
    assert last_value(parse_arguments(later, None), "--max-model-len") is None


def test_a_size_that_is_not_known_is_not_taken_for_gpu_count() -> None:
    found = served_args(ServingArguments(args=("--tensor-parallel-size=$(TP)",), gpu_count=4), "0.19.1")
    assert found.tp == 1 and len(found.unknown) == 1


def test_what_would_settle_it_names_each_variable_once() -> None:
    arguments = parse_arguments(("--max-model-len=$(N)", "--seed=$(N)", "$(MORE)"), "0.19.1")
    assert settles_variables(arguments) == "write the value in the place of $(N) and $(MORE)"
    assert settles_variables(()) == ""


def test_the_environment_is_put_in_but_never_for_a_secret() -> None:
    args = ("--max-model-len=$(N)", "--api-key=$(N)", "--hf-token", "$(N)", "--dtype=$(D)", "$(N)")
    found = with_environment(args, {"N": "8192"})
    assert found == ("--max-model-len=8192", "--api-key=$(N)", "--hf-token", "$(N)", "--dtype=$(D)", "8192")
    assert with_environment(args, {}) is args
