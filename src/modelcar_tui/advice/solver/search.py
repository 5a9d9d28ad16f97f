"""The search for arguments: every combination is judged by the estimate, none by rule of thumb."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property

import msgspec

from modelcar_tui.advice.repairs.context import cut_to
from modelcar_tui.advice.solver.tuning import EXPERTS, USEFUL, Tuning, cost, tuned
from modelcar_tui.hardware import Gpu, hardware
from modelcar_tui.manifest import ServingArguments
from modelcar_tui.memory import Estimate, Outcome, estimate
from modelcar_tui.models import ModelFacts, architecture_of, tensor_parallel_fault, text_config
from modelcar_tui.models.quantization import is_moe, scheme_of_model
from modelcar_tui.models.towers import tower_of
from modelcar_tui.vllm import implied_context, known_arguments, longest_context, parse_version, profile_for
from modelcar_tui.vllm.arguments import EngineArgs, flag_exists, tested_args
from modelcar_tui.vllm.quantization import Support, check_kv_cache, effective_kv_dtype

_SEQUENCES = (256, 128, 64, 32, 16, 8)
STEPS = (4096, 2048)
"""Tokens of a step, the largest first. The least is vLLM's own for the smallest cards (config/scheduler.py
DEFAULT_MAX_NUM_BATCHED_TOKENS, 0.6.0 to 0.33.0): below it prompts are cut into ever more steps, each of which
reads all weights."""
_FEW_GRAPHS = 128
"""Sequences of which small cards capture the graphs without a doubt."""
SHARES = (0.9, 0.92, 0.95)
"""Of the GPU's memory, the largest last: what is left is for what no estimate sees."""
_FLOOR = 2048
"""A context below this is not proposed, unless less was asked for."""
_SHARDED = (Outcome.REFUSED_ARGS, Outcome.REFUSED_QUANT)
"""How vLLM refuses a tensor parallel size that the model can't be cut to."""
FEW = 32
"""Fewer requests at once are no improvement, however long each may be."""
_MOST_GPUS = 64
_MOST = 6000
"""Estimates in one search; each takes well under a millisecond."""


class Found(msgspec.Struct, frozen=True):
    """A tuning that starts."""

    tuning: Tuning
    estimate: Estimate
    cost: float


class Search:
    """One model on one kind of GPU."""

    def __init__(self, facts: ModelFacts, gpu: Gpu, serving: ServingArguments, vllm: str | None) -> None:
        self._facts, self._gpu, self._vllm = facts, gpu, vllm
        self.serving = serving
        self.engine = tested_args(serving, vllm)
        self.gpu_count = serving.gpu_count if serving.by_suite else self.engine.tp
        self.limit = longest_context(facts.config, self.engine.overrides, vllm)
        given = self.engine.max_model_len
        self.explicit = given is not None and given > 0
        implied = implied_context(facts.config, self.engine.overrides, vllm)
        useful = min(implied or USEFUL, USEFUL)
        self.asked = given if self.explicit else implied
        self.need = given if given is not None and self.explicit else useful
        self.floor = min(_FLOOR, self.asked or _FLOOR)
        self._seen: dict[Tuning, Estimate] = {}
        self._told: dict[Tuning, Estimate] = {}
        self._whole: dict[int, bool] = {}

    def run(self, tuning: Tuning) -> Estimate:
        """What vLLM would do with this tuning, without the figures that take a search."""
        known = self._seen.get(tuning)
        if known is None:
            known = estimate(self._facts, self._gpu, self.arguments(tuning), vllm=self._vllm, derive=False)
            self._seen[tuning] = known
        return known

    def whole(self, tuning: Tuning) -> Estimate:
        """The same with the smallest card and the longest context."""
        known = self._told.get(tuning)
        if known is None:
            known = estimate(self._facts, self._gpu, self.arguments(tuning), vllm=self._vllm)
            self._told[tuning] = known
        return known

    def arguments(self, tuning: Tuning) -> EngineArgs:
        """The engine's arguments with this tuning."""
        return tested_args(tuned(self.serving, tuning), self._vllm).mended()

    def sized(self, size: int) -> ServingArguments:
        """The arguments over so many GPUs."""
        if self.serving.by_suite:
            return msgspec.structs.replace(self.serving, gpu_count=size)
        return tuned(self.serving, Tuning(gpus=size))

    def price(self, tuning: Tuning) -> float:
        """What a tuning takes away."""
        return cost(tuning, self.gpu_count, self.asked, self.need)

    def cheapest(self, gpus: tuple[int, ...] | None = None, floor: int | None = None) -> Found | None:
        """The smallest tuning that starts; `gpus` restricts the tensor parallel sizes, `floor` the
        context."""
        if gpus is None and self.run(Tuning()).outcome is Outcome.STARTS:
            return Found(Tuning(), self.run(Tuning()), 0.0)
        best, least = None, math.inf
        sizes = [size for size in (gpus or self.sizes()) if self.starts_somehow(size)]
        combined = [self._with_gpus(other, size) for size in sizes for other in self._others(SHARES)]
        for tuning in sorted(combined, key=self.price):
            if len(self._seen) > _MOST or self.price(tuning) >= least:
                break
            found = self.fit(tuning, floor)
            if found is not None and found.cost < least:
                best, least = found, found.cost
        return self._slim(best, kept=("gpus",) if gpus else ()) if best else None

    def fit(self, tuning: Tuning, floor: int | None = None) -> Found | None:
        """A tuning that starts, its context cut (not below `floor`) where that is all it takes; else None."""
        least = self.floor if floor is None else floor
        result = self.run(tuning)
        if result.outcome is Outcome.STARTS:
            return Found(tuning, result, self.price(tuning))
        if result.outcome not in self._cut_by_length:
            return None
        room = self.whole(tuning).longest_context.value
        if room is None or room < least:
            return None
        shorter = msgspec.structs.replace(tuning, length=max(cut_to(room), least))
        result = self.run(shorter)
        return Found(shorter, result, self.price(shorter)) if result.outcome is Outcome.STARTS else None

    def serves(self, size: int, stages: int | None = None, *, whole: bool = False) -> Found | None:
        """Something of use on so many GPUs (of each stage): a context of some length, at most a larger
        share.

        Args:
            size: GPUs, of each stage.
            stages: of a pipeline.
            whole: with all of the context that users need; else with some of it.
        """
        context = self.need if whole else min(self.need, USEFUL)
        length = context if self.asked is None or self.asked > context else None
        for sequences, share in itertools.product((None, _FEW_GRAPHS), (None, SHARES[-1])):
            tried = Tuning(length=length, sequences=sequences, utilization=share, stages=stages)
            tuning = self._with_gpus(tried, size)
            outcome = self.run(tuning).outcome
            if outcome is Outcome.STARTS:
                return Found(tuning, self.run(tuning), self.price(tuning))
            if outcome is Outcome.OOM_LOAD:
                break  # a larger share does not make room for the weights
        return None

    def hopeless(self, gpus: int, visible_gib: float | None) -> bool:
        """Whether the weights alone exceed so many GPUs together: nothing needs to be tried there."""
        part = self.run(Tuning()).weights_gib.value
        ranks = self.engine.tp * self.engine.pp
        return part is not None and visible_gib is not None and part * ranks * 0.9 > gpus * visible_gib

    def needed(self, found: Found) -> frozenset[str]:
        """The fields of a tuning without which it would not be sure to start."""
        knobs = found.tuning.set_knobs()
        without = {knob: self.run(found.tuning.without(knob)).outcome for knob in knobs}
        return frozenset(knob for knob in knobs if without[knob] is not Outcome.STARTS)

    def barely(self, found: Found) -> bool:
        """Whether it starts with a shorter context than users need."""
        length = found.tuning.length
        return length is not None and length < self.need

    def bound(self, found: Found) -> frozenset[str]:
        """The fields of a tuning that make a valid command line only together: vLLM refuses one without the
        others."""
        size = {"gpus", "experts"}
        others = [knob for knob in found.tuning.set_knobs() if knob not in size]
        alone = (Tuning(**{knob: getattr(found.tuning, knob)}) for knob in others)
        valid = self.run(Tuning()).outcome not in _SHARDED
        broken = valid and any(self.run(tuning).outcome in _SHARDED for tuning in alone)
        return frozenset(size).union(others if broken else ())

    def best(self, start: Found, score: Callable[[Found], float]) -> Found:
        """The tuning with the highest score on as many GPUs as `start` has; a small gain is not worth a
        change, and none is worth the CUDA graphs."""
        size = start.tuning.gpus or self.gpu_count
        winner, mark = start, score(start)
        greatest = self._others(SHARES[-1:], always_fp8=True)  # what wins little is trimmed afterwards
        wide = (
            other
            for other in greatest
            if (other.sequences is None or other.sequences >= FEW) and other.eager == start.tuning.eager
        )
        options = sorted((self._with_gpus(other, size) for other in wide), key=self.price)
        for other in options:
            if len(self._seen) > _MOST:
                break
            for candidate in self._lengths(other, start):
                found = self.fit(candidate)
                if found is not None and score(found) > mark * 1.02:
                    winner, mark = found, score(found)
        return self._trim(winner, score)

    @property
    def on_node(self) -> int:
        """GPUs of one node."""
        return max(1, self._gpu.count)

    def sizes(self) -> tuple[int, ...]:
        """Tensor parallel sizes that the node and the model allow, today's first.

        Where the number of heads is not known, those that divide nearly every model's: powers of two.
        """
        if not self.serving.by_suite and self.engine.pp * self.engine.dp > 1:
            return (self.gpu_count,)  # a manifest that spreads its ranks otherwise keeps its own way
        most = max(1, min(self._gpu.count, _MOST_GPUS))
        sizes = [
            size
            for size in range(1, most + 1)
            if not self._cut(size, whole=self.engine.ep) or (self._dealt and not self._cut(size, whole=True))
        ]
        if not text_config(self._facts.config).get("num_attention_heads"):
            sizes = [size for size in sizes if size == self.gpu_count or size.bit_count() == 1]
        return tuple(sorted(sizes, key=lambda size: (size != self.gpu_count, size)))

    def _cut(self, size: int, *, whole: bool) -> str:
        """Why the model can't be cut for so many GPUs, with whole experts or with shards of them."""
        return tensor_parallel_fault(self._facts, size, self.engine.overrides, whole_experts=whole)

    @cached_property
    def _dealt(self) -> bool:
        """Whether expert parallelism may be proposed.

        Where experts have fewer than 8 bits it is not: the kernels that take them had no expert map in every
        release (0.8.5 CompressedTensorsWNA16MoEMethod raises), and their groups divide.
        """
        flag = known_arguments().find(EXPERTS)
        known = is_moe(self._facts.config) and flag is not None and flag_exists(flag, self._vllm)
        return known and not self.engine.ep and scheme_of_model(self._facts, None).bits >= 8

    def _needs_whole(self, size: int) -> bool:
        """Whether vLLM refuses so many GPUs for what a shard of an expert would be, and takes whole ones."""
        if size not in self._whole:
            plain = Tuning() if size == self.gpu_count else Tuning(gpus=size)
            refused = self._dealt and self.run(plain).outcome in _SHARDED
            whole = msgspec.structs.replace(plain, experts=True)
            self._whole[size] = refused and self.run(whole).outcome not in _SHARDED
        return self._whole[size]

    def _with_gpus(self, tuning: Tuning, size: int) -> Tuning:
        if self._needs_whole(size):
            tuning = msgspec.structs.replace(tuning, experts=True)
        return tuning if size == self.gpu_count else msgspec.structs.replace(tuning, gpus=size)

    def starts_somehow(self, size: int) -> bool:
        """Whether anything at all can start on so many GPUs: everything that saves memory at once."""
        relief = Tuning(
            length=self.floor,
            sequences=_SEQUENCES[-1],
            batched=next(iter(self._steps()[-1:]), None),
            utilization=SHARES[-1],
            kv_dtype="fp8" if self._fp8() else None,
            eager=True,
        )
        lower = (msgspec.structs.replace(relief, utilization=share) for share in self.lower_shares())
        tries = (Tuning(), relief, relief.without("utilization"), *lower)
        return any(self.fit(self._with_gpus(tuning, size)) is not None for tuning in tries)

    def _others(self, shares: tuple[float, ...], *, always_fp8: bool = False) -> Iterator[Tuning]:
        engine = self.engine
        sequences = [None, *(n for n in _SEQUENCES if n < (engine.max_num_seqs or 10**9))]
        batched = [None, *self._steps()]
        raised = (share for share in shares if share > self.share)
        utilization = [None, *raised, *self.lower_shares()]
        caches = ([] if always_fp8 else [None]) + ["fp8"] if self._fp8() else [None]
        eager = [None] if engine.enforce_eager else [None, True]
        if engine.pooling:
            sequences, caches = [None], [None]
        for seqs, tokens, share, cache, plain in itertools.product(
            sequences, batched, utilization, caches, eager
        ):
            if seqs is not None and tokens is not None and tokens < seqs:
                continue
            yield Tuning(sequences=seqs, batched=tokens, utilization=share, kv_dtype=cache, eager=plain)

    @cached_property
    def _cut_by_length(self) -> frozenset[Outcome]:
        """What a shorter context may mend: with a tower also what is taken beside the cache, for no image or
        clip that vLLM profiles is longer than the context."""
        found = {Outcome.REFUSED_KV}
        return frozenset(found | {Outcome.REFUSED_NO_KV} if self._has_tower else found)

    @cached_property
    def _has_tower(self) -> bool:
        return tower_of(self._facts.config or {}, architecture_of(self._facts.config)) is not None

    def _steps(self) -> tuple[int, ...]:
        """Smaller steps than today's, the largest first.

        None for a model with a tower: a step must hold an image or a clip where its input is not chunked
        (core/encoder_cache_manager.py compute_mm_encoder_budget), how long one is hangs on its processor, and
        the encoder's budget is at least one item however small the step.
        """
        if self._has_tower:
            return ()
        return tuple(n for n in STEPS if n < (self.engine.max_num_batched_tokens or 10**9))

    def _lengths(self, tuning: Tuning, start: Found) -> tuple[Tuning, ...]:
        kept = msgspec.structs.replace(tuning, length=start.tuning.length)
        if self.limit is None or self.engine.max_model_len == -1:
            return (kept,)
        return (kept, msgspec.structs.replace(tuning, length=self.limit))

    @property
    def share(self) -> float:
        """The share of the GPU's memory that vLLM may use today: `--gpu-memory-utilization` or its
        default."""
        return self.engine.gpu_memory_utilization or profile_for(self._vllm).utilization

    def lower_shares(self) -> tuple[float, ...]:
        """Smaller shares that may help: vLLM's default, what is free at the start, room for the warm-up."""
        shares = {profile_for(self._vllm).utilization}
        visible, free = self._gpu.visible_gib.value, self._gpu.free_gib.value
        if visible and free is not None:
            shares.add(math.floor(free / visible * 100) / 100)
        if self.run(Tuning()).outcome in (Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE):
            shares.add(0.85)
        return tuple(sorted((share for share in shares if 0.3 <= share < self.share), reverse=True))

    def lowered(self) -> Found | None:
        """A smaller share that settles what was refused or not known; the rest is left as it is."""
        first = self.run(Tuning())
        for share in self.lower_shares():
            tuning = Tuning(utilization=share)
            result = self.run(tuning)
            better = first.outcome is Outcome.REFUSED_FREE_MEMORY and result.outcome is Outcome.UNKNOWN
            if result.outcome is Outcome.STARTS or better:
                return Found(tuning, result, self.price(tuning))
        return None

    def _fp8(self) -> bool:
        if effective_kv_dtype(self._facts, self.engine.kv_cache_dtype) not in ("auto", "float16", "bfloat16"):
            return False
        column = hardware(self._gpu.vendor, self._gpu.product, self._gpu.compute_capability)
        answers = check_kv_cache(self._facts, column, parse_version(self._vllm), "fp8")
        return all(answer.support is Support.NATIVE for answer in answers)

    def _trim(self, found: Found, score: Callable[[Found], float]) -> Found:
        """Without every value that wins less than a tenth."""
        mark = score(found)
        for knob in found.tuning.set_knobs():
            if knob in ("gpus", "experts", "length"):
                continue
            smaller = found.tuning.without(knob)
            tries = [smaller]
            if found.tuning.length is not None:
                tries.append(msgspec.structs.replace(smaller, length=self.limit))
            others = [other for tuning in tries if (other := self.fit(tuning)) is not None]
            other = max(others, key=score, default=None)
            if other is not None and score(other) >= mark * 0.9:
                found = other
        return found

    def _slim(self, found: Found, *, kept: tuple[str, ...] = ()) -> Found:
        """Without every value that it starts without."""
        for knob in found.tuning.set_knobs():
            if knob in kept:
                continue
            smaller = found.tuning.without(knob)
            result = self.run(smaller)
            if result.outcome is Outcome.STARTS:
                found = Found(smaller, result, self.price(smaller))
        return found
