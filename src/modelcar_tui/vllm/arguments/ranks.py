"""Data parallel ranks that one copy of a server starts, where others are started elsewhere."""

from __future__ import annotations

import math

from modelcar_tui.vllm.arguments.parsing import Argument, has_switch, last_value
from modelcar_tui.vllm.arguments.values import tokens_in

_SIZE, _LOCAL, _RANK = "--data-parallel-size", "--data-parallel-size-local", "--data-parallel-rank"
_SHARDS = ("--tensor-parallel-size", "--pipeline-parallel-size")
_EXTERNAL = "--data-parallel-external-lb"


def pod_processes(arguments: tuple[Argument, ...], pods: int) -> int:
    """GPU processes of vLLM in each of the `pods` of one copy."""
    ranks = math.prod(max(1, tokens_in(last_value(arguments, flag)) or 1) for flag in _SHARDS)
    return math.ceil(ranks * local_ranks(arguments, pods) / pods)


def local_ranks(arguments: tuple[Argument, ...], pods: int) -> int:
    """How many of the data parallel ranks start in the pods of one copy.

    One in each pod that names its rank; as many as `--data-parallel-size-local` says, else all of them
    (engine/arg_utils.py, create_engine_config).

    Args:
        arguments: of the server.
        pods: of one copy, which are all alike.
    """
    every = max(1, tokens_in(last_value(arguments, _SIZE)) or 1)
    one = last_value(arguments, _RANK) is not None or has_switch(arguments, _EXTERNAL)
    here = 1 if one else tokens_in(last_value(arguments, _LOCAL))
    return every if here is None else min(every, max(0, here) * pods)
