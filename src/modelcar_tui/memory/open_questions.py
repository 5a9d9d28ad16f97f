"""What nobody knows of a start although its memory hangs on it: such a start has a range, not one figure."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.memory import expert_kernels, rocm, sampling
from modelcar_tui.memory.start import Start

_LAYERS = "which layers its checkpoint leaves in 16 bits (its own config.json or weight files tell)"
_DEEP_GEMM = (
    "whether the image has DeepGEMM (its log names the experts' kernels; VLLM_USE_DEEP_GEMM=0 leaves it out)"
)


def open_questions(start: Start) -> tuple[str, ...]:
    """One clause for each, with what settles it, such as `whether the image has FlashInfer (its log says)`;
    empty where one figure says all.

    Each is a quantity that `Start.between` reads: the figures that are shown lie at `Start.most`, the verdict
    is sure only where the least and the most of all of them end alike. What was measured is none of them.
    """
    return () if start.parts is not None else tuple(_open(start))


def _open(start: Start) -> Iterator[str]:
    if start.model.usual is not None:
        yield _LAYERS
    if sampling.samples(start) and sampling.sampler(start) is None:
        yield sampling.QUESTION
    if expert_kernels.image_decides(start):
        yield _DEEP_GEMM
    if start.gpu.unified:
        yield "what vLLM's own processes take of the memory that they share with the card"
    yield from rocm.questions(start)
