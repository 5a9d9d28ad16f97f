"""Why a release's engine does not start with arguments that its parser takes: the door that lint, the
estimate, the verdict and the repairs ask.

What vLLM's configuration, and the build of the model, refuse: `EngineArgs.create_engine_config` and the
validators of `vllm/config/`. Quantization has a judge of its own, memory comes after it.
"""

from __future__ import annotations

from modelcar_tui.hardware import Gpu, hardware
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments.faults import Judge
from modelcar_tui.vllm.arguments.parsing import Argument
from modelcar_tui.vllm.refused.asked import Asked, Refusal
from modelcar_tui.vllm.refused.attention import attention
from modelcar_tui.vllm.refused.models import models
from modelcar_tui.vllm.refused.parallel import parallel
from modelcar_tui.vllm.refused.ranges import ranges
from modelcar_tui.vllm.refused.running import running
from modelcar_tui.vllm.refused.speculation import speculation

_RULES = (ranges, speculation, parallel, running, models, attention)


def start_refusals(asked: Asked) -> tuple[Refusal, ...]:
    """Every reason, in the rules' order; one for an argument that several speak against.

    Beside a value that is not known here only the ranges of the others are judged.
    """
    found: dict[str, Refusal] = {}
    for rule in _RULES[:1] if asked.open else _RULES:
        for refusal in rule(asked):
            found.setdefault(refusal.flag, refusal)
    return tuple(found.values())


def asked_of_server(
    arguments: tuple[Argument, ...],
    vllm: str | None,
    facts: ModelFacts | None,
    *,
    gpus: int,
    gpu: Gpu | None = None,
) -> Asked:
    """What a server is asked for.

    Args:
        vllm: the release that will serve; the one that stands in for it judges.
        gpus: as in the manifest: the tensor parallel size where arguments are given, but none.
        gpu: the kind of GPU; None leaves out what depends on it.
    """
    capability = None
    if gpu is not None and (kind := hardware(gpu.vendor, gpu.product, gpu.compute_capability)).known:
        capability = kind.capability if kind.column == "nvidia" else 0
    return Asked(arguments, Judge.of(vllm).release, facts, gpus if arguments else 1, capability)
