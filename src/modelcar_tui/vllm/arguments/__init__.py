"""What a server's arguments mean to a release: its parser, what it refuses, what the engine gets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.vllm.arguments.beside import is_of_account
    from modelcar_tui.vllm.arguments.companions import needed_beside
    from modelcar_tui.vllm.arguments.engine_args import (
        EngineArgs,
        config_overrides,
        read_engine_args,
        served_args,
        tested_args,
        written_overrides,
    )
    from modelcar_tui.vllm.arguments.fault import ArgumentFault
    from modelcar_tui.vllm.arguments.faults import (
        FORM_CODES,
        Judge,
        argument_faults,
        fault_of_argument,
        refused_number,
        refused_value,
        whole_item,
    )
    from modelcar_tui.vllm.arguments.media import MediaOptions
    from modelcar_tui.vllm.arguments.object_rules import object_fault
    from modelcar_tui.vllm.arguments.objects import known_keys
    from modelcar_tui.vllm.arguments.overrides import (
        ROPE_SCALING,
        heard_overrides,
        rope_fault,
        rope_key,
        yarn_is_in,
    )
    from modelcar_tui.vllm.arguments.parsing import (
        Argument,
        canonical_flag,
        flag_exists,
        has_switch,
        last_given,
        last_value,
        looks_like_flag,
        parse_arguments,
    )
    from modelcar_tui.vllm.arguments.ranks import local_ranks, pod_processes
    from modelcar_tui.vllm.arguments.values import tokens_in, wrong_value
    from modelcar_tui.vllm.arguments.variables import (
        may_hold_anything,
        settles_variables,
        sizes_open,
        variable_in_words,
        with_environment,
    )

__all__ = [
    "FORM_CODES",
    "ROPE_SCALING",
    "Argument",
    "ArgumentFault",
    "EngineArgs",
    "Judge",
    "MediaOptions",
    "argument_faults",
    "canonical_flag",
    "config_overrides",
    "fault_of_argument",
    "flag_exists",
    "has_switch",
    "heard_overrides",
    "is_of_account",
    "known_keys",
    "last_given",
    "last_value",
    "local_ranks",
    "looks_like_flag",
    "may_hold_anything",
    "needed_beside",
    "object_fault",
    "parse_arguments",
    "pod_processes",
    "read_engine_args",
    "refused_number",
    "refused_value",
    "rope_fault",
    "rope_key",
    "served_args",
    "settles_variables",
    "sizes_open",
    "tested_args",
    "tokens_in",
    "variable_in_words",
    "whole_item",
    "with_environment",
    "written_overrides",
    "wrong_value",
    "yarn_is_in",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "beside": "is_of_account",
            "companions": "needed_beside",
            "engine_args": (
                "EngineArgs config_overrides read_engine_args served_args tested_args written_overrides"
            ),
            "fault": "ArgumentFault",
            "faults": (
                "FORM_CODES Judge argument_faults fault_of_argument refused_number refused_value whole_item"
            ),
            "media": "MediaOptions",
            "object_rules": "object_fault",
            "objects": "known_keys",
            "overrides": "ROPE_SCALING heard_overrides rope_fault rope_key yarn_is_in",
            "parsing": (
                "Argument canonical_flag flag_exists has_switch last_given last_value looks_like_flag "
                "parse_arguments"
            ),
            "ranks": "local_ranks pod_processes",
            "values": "tokens_in wrong_value",
            "variables": "may_hold_anything settles_variables sizes_open variable_in_words with_environment",
        },
    )
