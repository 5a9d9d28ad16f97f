"""What arguments do by the way: features that they turn off, values of config.json that they do not reach."""

from __future__ import annotations

from modelcar_tui.advice.lint.remarks import ERROR, WARNING, Remarks
from modelcar_tui.advice.repairs.hybrid_manager import FLAG, manager_fault
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import (
    Argument,
    heard_overrides,
    rope_fault,
    rope_key,
    tested_args,
    written_overrides,
)

_OVERRIDES = "--hf-overrides"
_MANAGER = (FLAG, "--kv-transfer-config", "--kv-offloading-size", "--kv-events-config")


def lint_by_the_way(
    arguments: tuple[Argument, ...], facts: ModelFacts | None, vllm: str | None, remarks: Remarks
) -> None:
    """The hybrid KV cache manager, and ropes in `--hf-overrides`."""
    serving = remarks.car.serving
    if why := manager_fault(tested_args(serving, vllm), facts, vllm):
        where = next((one for one in arguments if one.name in _MANAGER), None)
        remarks.on(where, "hybrid-manager", ERROR, why, "take away what turns it off, or another connector")
    _ropes(arguments, vllm, remarks)


def _ropes(arguments: tuple[Argument, ...], vllm: str | None, remarks: Remarks) -> None:
    told = written_overrides(arguments)
    where = next((one for one in reversed(arguments) if one.name == _OVERRIDES), None)
    if fault := rope_fault(told, vllm):
        remarks.on(where, "rope-override", ERROR, f"{fault}: vLLM refuses to start", "name what is missing")
    for key in told.keys() - heard_overrides(told, vllm).keys():
        what = f"this vLLM does not look at {key} of {_OVERRIDES}: the rope stays as config.json has it"
        remarks.on(where, "override-unheard", WARNING, what, f"write {rope_key(vllm)}")
