"""One start of vLLM: everything that decides how it ends, prepared once."""

from __future__ import annotations

import msgspec

from modelcar_tui.hardware import AMD, NVIDIA, Gpu, hardware
from modelcar_tui.memory.parts import Parts
from modelcar_tui.models import Model
from modelcar_tui.vllm import (
    EngineSwitches,
    Profile,
    StartLimits,
    engine_switches,
    profile_on_card,
    runs_model_runner_v2,
    served_context,
    start_limits,
)
from modelcar_tui.vllm.arguments import EngineArgs

_TYPICAL_SMS = 132
_MIDDLE = 0.5
"""Where the best estimate lies of a platform whose every start has a range."""


class Start(msgspec.Struct, frozen=True):
    """A model on `args.tp x args.pp` units of a GPU, with one release's habits."""

    model: Model
    gpu: Gpu
    args: EngineArgs
    profile: Profile
    limits: StartLimits
    """The numbers that vLLM will run with: arguments, then the release's defaults for this GPU."""

    switches: EngineSwitches
    """What the release turns on or off by the way."""

    runner_v2: bool = False
    """Whether Model Runner V2 serves (`vllm.model_runner`)."""

    most: float = 1.0
    """Where it stands between the least (0) and the most (1) that what nobody knows of it may take
    (`memory.open_questions`)."""

    parts: Parts | None = None
    """What a measured start says of its parts; None where all of them are computed."""

    @property
    def rows(self) -> int:
        """Sequences of one step at most: rows of logits that are sampled at once."""
        return min(self.limits.seqs, self.limits.batch)

    @property
    def sms(self) -> int:
        """Multiprocessors of the card; those of an H100 where they are not known."""
        return self.gpu.sms or _TYPICAL_SMS

    def between(self, least: float, most: float) -> float:
        """The figure that is shown of one that lies between two."""
        return least + (most - least) * self.most

    def at(self, most: float) -> Start:
        """The same start at another place of the range."""
        return msgspec.structs.replace(self, most=most)

    def measured_as(self, other: Start) -> Start:
        """The same with what is measured of `other`, where both have batches of one size: on these the parts
        hang."""
        mine, theirs = self.limits, other.limits
        alike = (mine.seqs, mine.batch) == (theirs.seqs, theirs.batch)
        return msgspec.structs.replace(self, parts=other.parts if alike else None)

    def of(self, model: Model) -> Start:
        """The same start of another model, with the numbers that were settled before."""
        return msgspec.structs.replace(self, model=model)


def start_of(model: Model, gpu: Gpu, args: EngineArgs, profile: Profile) -> Start:
    """The start, with vLLM's defaults for what the arguments leave open."""
    if args.pooling:
        model = _headless(model)
    profile = profile_on_card(profile, gpu.capability, args.kv_cache_dtype)
    shape, column = model.shape, hardware(gpu.vendor, gpu.product, gpu.compute_capability).column
    switches = engine_switches(shape, args, profile, column, served_context(shape, args, profile))
    limits = start_limits(shape, args, profile, gpu, switches.chunked_prefill)
    most = _MIDDLE if gpu.vendor == AMD else 1.0
    quantized = bool(model.scheme.name)
    runner_v2 = gpu.vendor in (NVIDIA, AMD) and runs_model_runner_v2(  # plug-ins have runners of their own
        shape, args, profile, quantized=quantized, amd=gpu.vendor == AMD
    )
    return Start(model, gpu, args, profile, limits, switches, runner_v2, most)


def _headless(model: Model) -> Model:
    """The model as vLLM builds it to pool: without an output matrix (vllm models/adapters.py)."""
    return msgspec.structs.replace(model, shape=msgspec.structs.replace(model.shape, tied=True))
