"""A command line of vLLM, changed word by word."""

from __future__ import annotations

import hashlib

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.diff import text_hunks
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.reader import parse_manifest

LINE = """\
# our server
HF_HOME=/cache vllm serve ibm-granite/granite-3.1-8b-instruct \\
    --max-model-len 4096 \\
    --dtype="auto" \\
    --enforce-eager
"""
NAME = "granite-3.1-8b-instruct"


def change(flag: str, operation: Operation, new: str | None = None, old: str | None = None) -> Change:
    """A change of one argument."""
    return Change(id=flag, model=NAME, operation=operation, flag=flag, old=old, new=new, reason="it is slow")


def applied(text: str, *changes: Change) -> str:
    """The line after some changes, read again."""
    data = text.encode()
    plan = Plan(base="x", base_sha256=hashlib.sha256(data).hexdigest(), target="y", changes=changes)
    new = apply_changes(data, plan)
    assert text_hunks(data, plan)
    parse_manifest(new, "y")
    return new.decode()


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_line_keeps_all_that_does_not_change(eol: str) -> None:
    text = LINE.replace("\n", eol)
    new = applied(
        text,
        change("--max-model-len", Operation.SET, "--max-model-len=8192", "--max-model-len 4096"),
        change("--enforce-eager", Operation.REMOVE, old="--enforce-eager"),
        change("--x", Operation.ADD, '--x={"a": 1}'),
    )
    wanted = LINE.replace("-len 4096", "-len 8192").replace("--enforce-eager", "--x='{\"a\": 1}'")
    assert new == wanted.replace("\n", eol)


def test_one_without_an_end_and_one_in_a_container() -> None:
    add = change("--x", Operation.ADD, "--x=1")
    assert applied(f"vllm serve ibm/{NAME}", add) == f"vllm serve ibm/{NAME} --x=1"
    run = f"podman run --rm quay.io/vllm/vllm:1 --model ibm/{NAME} --dtype half\n"
    assert applied(run, add) == run.replace("half", "half --x=1")


def test_the_gpus_of_a_line_are_those_of_its_sizes() -> None:
    count = change("gpu_count", Operation.GPU_COUNT, "2")
    size = change("--tensor-parallel-size", Operation.ADD, "--tensor-parallel-size=2")
    assert applied(LINE, count, size).endswith("--enforce-eager \\\n    --tensor-parallel-size=2\n")
    with pytest.raises(UserError, match="nowhere"):
        applied(LINE, count)
