"""What the sampler's dummy run holds, by who samples.

v1/worker/gpu_model_runner.py `_dummy_sampler_run` asks for top-k and top-p of random logits. Copies of the
logits in 32 bits: half of one in 16 bits, themselves, probabilities, random draws; PyTorch's sort keeps
sorted values, their indices in 64 bits and what is scattered back beside them.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from modelcar_tui.hardware import AMD
from modelcar_tui.memory import second_runner
from modelcar_tui.memory.start import Start
from modelcar_tui.vllm import ImageBuild, Sampler, may_lack_flashinfer, sampler_of

_LEAN, _SORTING = 3.5, 9.5
_FLOAT = 4
QUESTION = (
    "whether its build samples with FlashInfer (its log says it; tell it by `--vllm "
    "'RELEASE with the FlashInfer sampler'`, or `without`)"
)
"""What is open, and what settles it."""


def samples(start: Start) -> bool:
    """Whether the model samples at all."""
    return not (start.args.pooling or start.model.shape.pooling)


def sampler(start: Start) -> Sampler | None:
    """Who samples; None where it hangs on a build that nobody told.

    FlashInfer returns no processed logits, nor is it asked on ROCm. The engine before V1 sorts, unless
    VLLM_USE_FLASHINFER_SAMPLER is 1.
    """
    if start.profile.engine_v0:
        asked = start.profile.build is ImageBuild.WITH_FLASHINFER
        return Sampler.FLASHINFER if asked else Sampler.SORT
    gpu, profile = start.gpu, start.profile
    return _sampler(
        profile.number,
        profile.build,
        profile.patch_told,
        gpu.vendor != AMD and not start.args.logprobs_mode.startswith("processed"),
        gpu.capability,
        min(start.rows, 8),
    )


@lru_cache(maxsize=512)
def _sampler(
    release: tuple[int, int, int],
    build: ImageBuild,
    patch_told: bool,
    may: bool,
    capability: float | None,
    rows: int,
) -> Sampler | None:
    return sampler_of(
        release,
        build,
        patch_told=patch_told,
        cuda=may,
        capability=capability,
        rows=rows,
    )


def without_flashinfer(start: Start) -> Start | None:
    """The same start without FlashInfer, where its release's number is taken for the image that has it and
    may be a wheel that has not; None elsewhere. Its figures are a bound: the shown ones are the image's."""
    if sampler(start) is not Sampler.FLASHINFER or not samples(start):
        return None
    capability = start.gpu.capability
    if not may_lack_flashinfer(start.profile.number, start.profile.build, capability):
        return None
    bare = msgspec.structs.replace(start.profile, build=ImageBuild.WITHOUT_FLASHINFER)
    return msgspec.structs.replace(start, profile=bare)


def sampler_bytes(start: Start) -> float:
    """Bytes of the dummy run."""
    who, vocab = sampler(start), start.model.shape.vocab
    if start.runner_v2 and who is not None:
        return second_runner.profiled(start, who)[0]
    logits = start.rows * vocab * _FLOAT
    # Triton's top-k has a row a multiprocessor; FlashInfer's run of 0.11.0 took as much (two logs).
    lean = _LEAN * logits + start.sms * vocab * _FLOAT
    most = _SORTING * logits
    taken = start.between(min(lean, most), most) if who is None else most if who is Sampler.SORT else lean
    if start.args.logprobs_mode == "processed_logprobs" and who is not Sampler.SORT:
        taken += logits  # kept beside the probabilities (forward_native); less than the sort had
    # The rejection sampler's dummy run: two rows a sequence in 16 bits, and one of them again in 32.
    return taken + (2.0 * logits if start.args.speculative else 0.0)


def warmup_bytes(start: Start) -> float:
    """Bytes of the sampler's run after capture: the dummy run again, or Model Runner V2's own."""
    who = sampler(start)
    return second_runner.warmed(start, who) if start.runner_v2 and who is not None else sampler_bytes(start)


def in_words(start: Start) -> str:
    """How the bytes come about."""
    who = sampler(start)
    if start.runner_v2 and who is not None:
        return second_runner.profiled(start, who)[1]
    shape = f"{start.rows} sequences x {start.model.shape.vocab} x 4 B"
    if who is None:
        copies, by = start.between(_LEAN, _SORTING), "its build decides who samples"
    else:
        copies, by = _SORTING if who is Sampler.SORT else _LEAN, str(who)
    return f"{copies:g} x {shape}, {by} (vllm v1/sample/ops/topk_topp_sampler.py)"
