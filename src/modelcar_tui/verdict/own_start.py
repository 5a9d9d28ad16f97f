"""What a measured start of the very same server is worth beside tables and rules.

It beats what tables say of quantizations and releases, and what rules say of arguments: vLLM took them. Not
beaten is what no such start shows: whether the pod has its GPUs and its shared memory, and what tokenizers,
parsers, tools and templates do, for which a try may have had no files. The place where it lands, quotas and
replicas count as ever.
"""

from __future__ import annotations

import re

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import ServingArguments
from modelcar_tui.memory import Estimate, Outcome, measured_problems
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import EngineArgs, served_args

_OF_THE_POD = frozenset({"gpu-count", "suite-parallel", "amounts-refused", "shm-missing"})
_NOT_TRIED = re.compile(r"tokenizer|parser|\btools?\b|tool-|template|plugin|middleware", re.IGNORECASE)
_SHOWN = len("sha256:") + 12
_DUMMIES = "measured with dummy weights: a fault of the quantized checkpoint's own files would not have shown"


def served(result: Estimate | None) -> bool:
    """Whether this very start was measured and served."""
    return result is not None and result.exact and result.outcome is Outcome.STARTS


def started_so(result: Estimate | None, serving: ServingArguments, vllm: str | None) -> bool:
    """Whether that start had what vLLM's parser would refuse of these arguments, too."""
    if result is None or result.measured is None or not served(result):
        return False
    return set(served_args(serving, vllm).problems) <= measured_problems(result.measured)


def still_stops(code: str, what: str) -> bool:
    """Whether a finding that stops the server counts although such a start served."""
    return code in _OF_THE_POD or _NOT_TRIED.search(what) is not None


def start_warnings(
    result: Estimate, facts: ModelFacts, args: EngineArgs, runtime: Runtime | None
) -> tuple[str, ...]:
    """What to know of a start that was measured, for which this one is taken."""
    return (*dummy_warning(result, facts, args), *_other_image(result, runtime))


def _other_image(result: Estimate, runtime: Runtime | None) -> tuple[str, ...]:
    """Where the runtime's image is of the same release and not the one that ran."""
    image = "" if runtime is None else runtime.image.partition("@")[2]
    ran = "" if result.measured is None else result.measured.runtime_digest
    if not image or not ran or image == ran:
        return ()
    return (f"measured with another image of that release: {ran[:_SHOWN]}, not {clean(image)[:_SHOWN]}",)


def dummy_warning(result: Estimate, facts: ModelFacts, args: EngineArgs) -> tuple[str, ...]:
    """What dummy weights can't show of a quantized model; nothing of another."""
    quantized = facts.quantization or facts.quantization_name.value or args.quantization
    shown = not served(result) or result.measured is None or not result.measured.dummy
    return () if shown or not quantized else (_DUMMIES,)
