"""The YAML that the operator wrote: read with places, changed by spans, written beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.manifest.arguments import accepted_changes, effective, flag_of
    from modelcar_tui.manifest.as_data import FileObject, objects_as_data
    from modelcar_tui.manifest.deciding_variables import engine_variables
    from modelcar_tui.manifest.diff import text_hunks
    from modelcar_tui.manifest.fields import OCI_TRANSPORTS
    from modelcar_tui.manifest.keeping import ChangedError, Keeping
    from modelcar_tui.manifest.kinds.llm_sizes import group_size, wanted_replicas
    from modelcar_tui.manifest.kinds.runtimes import ReadRuntime, runtime_from
    from modelcar_tui.manifest.limits import MAX_GPUS, MAX_TEXT
    from modelcar_tui.manifest.masking import SECRET_FLAGS, is_reference, is_secret_flag, masked_arguments
    from modelcar_tui.manifest.modelcar import MAX_MODELS
    from modelcar_tui.manifest.plan import ANYTHING, Change, Decision, Hunk, Operation, Plan
    from modelcar_tui.manifest.planfile import PlanFile, check_output, load_plan, put_plan
    from modelcar_tui.manifest.reader import inspect_manifest, inspect_text, read_manifest
    from modelcar_tui.manifest.records import place_of_file
    from modelcar_tui.manifest.scheduling import Requirement, Scheduling, Toleration, Whole
    from modelcar_tui.manifest.source import read_bytes
    from modelcar_tui.manifest.standing import Kind, Replaced, Standing
    from modelcar_tui.manifest.types import (
        MODEL_CAR,
        PREFILL,
        SERVE_LINE,
        ArgumentsFrom,
        Ignore,
        Manifest,
        ModelCar,
        Position,
        Server,
        ServingArguments,
        allows_long_context,
    )
    from modelcar_tui.manifest.variables import expanded, references
    from modelcar_tui.manifest.write import Output, not_asked, outputs, target_path, write_generated

__all__ = [
    "ANYTHING",
    "MAX_GPUS",
    "MAX_MODELS",
    "MAX_TEXT",
    "MODEL_CAR",
    "OCI_TRANSPORTS",
    "PREFILL",
    "SECRET_FLAGS",
    "SERVE_LINE",
    "ArgumentsFrom",
    "Change",
    "ChangedError",
    "Decision",
    "FileObject",
    "Hunk",
    "Ignore",
    "Keeping",
    "Kind",
    "Manifest",
    "ModelCar",
    "Operation",
    "Output",
    "Plan",
    "PlanFile",
    "Position",
    "ReadRuntime",
    "Replaced",
    "Requirement",
    "Scheduling",
    "Server",
    "ServingArguments",
    "Standing",
    "Toleration",
    "Whole",
    "accepted_changes",
    "allows_long_context",
    "check_output",
    "effective",
    "engine_variables",
    "expanded",
    "flag_of",
    "group_size",
    "inspect_manifest",
    "inspect_text",
    "is_reference",
    "is_secret_flag",
    "load_plan",
    "masked_arguments",
    "not_asked",
    "objects_as_data",
    "outputs",
    "place_of_file",
    "put_plan",
    "read_bytes",
    "read_manifest",
    "references",
    "runtime_from",
    "target_path",
    "text_hunks",
    "wanted_replicas",
    "write_generated",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "arguments": "accepted_changes effective flag_of",
            "as_data": "FileObject objects_as_data",
            "diff": "text_hunks",
            "deciding_variables": "engine_variables",
            "fields": "OCI_TRANSPORTS",
            "keeping": "ChangedError Keeping",
            "kinds.runtimes": "ReadRuntime runtime_from",
            "kinds.llm_sizes": "group_size wanted_replicas",
            "limits": "MAX_GPUS MAX_TEXT",
            "masking": "SECRET_FLAGS is_reference is_secret_flag masked_arguments",
            "plan": "ANYTHING Change Decision Hunk Operation Plan",
            "planfile": "PlanFile check_output load_plan put_plan",
            "modelcar": "MAX_MODELS",
            "reader": "inspect_manifest inspect_text read_manifest",
            "records": "place_of_file",
            "source": "read_bytes",
            "scheduling": "Requirement Scheduling Toleration Whole",
            "standing": "Kind Replaced Standing",
            "types": (
                "MODEL_CAR PREFILL SERVE_LINE ArgumentsFrom Ignore Manifest ModelCar Position Server "
                "ServingArguments allows_long_context"
            ),
            "variables": "expanded references",
            "write": "Output not_asked outputs target_path write_generated",
        },
    )
