"""The tools: name, what it is asked and answers, how long it may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import mcp_types as types
from pydantic import BaseModel

from modelcar_tui.mcp import answering, explaining
from modelcar_tui.mcp import inputs as i
from modelcar_tui.mcp import outputs as o


class ToolOf(NamedTuple):
    """One tool. It reads, and nothing else."""

    name: str
    title: str
    what: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    answer: Callable[..., tuple[str, Any]]
    """Of what the operator allows and what was asked: a short text, and an instance of `gives`."""
    limit_s: float
    open_world: bool = False
    """Whether it may ask a registry or a cluster."""

    def described(self) -> types.Tool:
        """As the protocol lists it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.what,
            input_schema=self.takes.model_json_schema(),
            output_schema=o.schema(self.gives),
            annotations=types.ToolAnnotations(
                title=self.title,
                read_only_hint=True,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=self.open_world,
            ),
        )


TOOLS = {
    tool.name: tool
    for tool in (
        ToolOf(
            "estimate",
            "Memory of one model on one GPU",
            "Whether vLLM starts one model on one kind of GPU, with each figure's unit, source and bounds.",
            i.EstimateInput,
            o.EstimateOutput,
            answering.estimate,
            150,
            open_world=True,
        ),
        ToolOf(
            "lint",
            "Faults of a manifest",
            "Faults of a manifest for vLLM and of its arguments, with line and fix. Needs no cluster.",
            i.LintInput,
            o.LintOutput,
            answering.lint,
            60,
        ),
        ToolOf(
            "inventory",
            "Accelerators",
            "Which GPUs there are: stated, of a node list, or of the operator's cluster.",
            i.InventoryInput,
            o.InventoryOutput,
            answering.inventory,
            200,
            open_world=True,
        ),
        ToolOf(
            "explain_run",
            "One run explained",
            "What an earlier run came to: verdict, each model's reason, next step, changes, QA.",
            i.RunInput,
            o.RunOutput,
            explaining.explain_run,
            60,
        ),
        ToolOf(
            "list_runs",
            "Earlier runs",
            "The earlier runs, newest first, with their verdicts.",
            i.RunsInput,
            o.RunsOutput,
            explaining.list_runs,
            60,
        ),
    )
}
