"""What a version's text tells of its build, and which sampler a build runs.

Whether FlashInfer is there hangs on the build up to 0.11.0: upstream's images bring it, the wheel does not
require it (`flashinfer` is an extra of it; from 0.11.1 on it is a requirement). Who samples is decided in
v1/sample/ops/topk_topp_sampler.py, release by release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum


class ImageBuild(StrEnum):
    """Who built it."""

    UPSTREAM = "upstream's image"
    RED_HAT = "Red Hat's build"
    WITH_FLASHINFER = "with the FlashInfer sampler"
    WITHOUT_FLASHINFER = "without the FlashInfer sampler"
    """Whoever built it: VLLM_USE_FLASHINFER_SAMPLER of its environment says so, or its log."""
    RELEASE = "a release"
    """Its number alone: upstream's image, or its wheel."""
    UNKNOWN = "a build that is not known"
    """A number without a patch, a nightly, a build of one's own."""


class Sampler(StrEnum):
    """Who cuts the logits to top-k and top-p in the profile's dummy run."""

    SORT = "PyTorch's sort"
    FLASHINFER = "FlashInfer"
    TRITON = "vLLM's Triton kernel"


_RED_HAT = re.compile(
    r"\+rhai|(?:^|/)(?:rhoai|rhai|rhaiis?)(?:-[\w-]+)?/[\w.-]*vllm|vllm-[\w-]+-rhel\d|quay\.io/modh/",
    re.IGNORECASE,
)
"""By registry, or by the paths and names that a mirror keeps."""
_UPSTREAM = re.compile(r"\+upstream|(?:^|/)vllm/vllm-openai\b|upstream(?:'s)? image", re.IGNORECASE)
_CPU = re.compile(r"(?:^|[/_.:-])(?:cpu|openvino)(?=$|[/_.:@-])", re.IGNORECASE)
_HUGGINGFACE = re.compile(r"/huggingfaceserver\b(?!.*gpu)", re.IGNORECASE)
"""KServe's own server: its image is for CPUs unless its tag ends in `-gpu` (its charts)."""
_BUILT_FOR = (
    ("cpu", _CPU),
    ("amd", re.compile(r"(?:^|[/_.:-])rocm[\d.]*(?=$|[/_.:@-])", re.IGNORECASE)),
    ("intel-gaudi", re.compile(r"(?:^|[/_.:-])(?:gaudi\d?|hpu|habana\w*)(?=$|[/_.:@-])", re.IGNORECASE)),
    ("intel-gpu", re.compile(r"(?:^|[/_.:-])xpu(?=$|[/_.:@-])", re.IGNORECASE)),
    ("google-tpu", re.compile(r"(?:^|[/_.:-])tpu(?=$|[/_.:@-])", re.IGNORECASE)),
    ("aws-neuron", re.compile(r"(?:^|[/_.:-])neuronx?(?=$|[/_.:@-])", re.IGNORECASE)),
    ("ibm-spyre", re.compile(r"(?:^|[/_.:-])spyre(?=$|[/_.:@-])", re.IGNORECASE)),
    ("nvidia", re.compile(r"(?:^|[/_.:-])(?:cuda|cu\d{2,3})[\d.]*(?=$|[/_.:@-])", re.IGNORECASE)),
)
"""Vendors as `accelerators.json` has them, by the words that images of vLLM have in their names: one build is
for one of them (`vllm/platforms`)."""
_FOR_CUDA = re.compile(r"(?:^|/)vllm/vllm-openai(?=$|[:@])", re.IGNORECASE)
"""Upstream's image whose name has no such word."""
_GPU = re.compile(r"vllm|gpu|cuda|rocm|huggingfaceserver", re.IGNORECASE)
_NUMBER_ALONE = re.compile(r"v?\d+\.\d+\.\d+(\.post\d+)?(\s*\(V[01]\))?\s*", re.IGNORECASE)
_TOLD = re.compile(r"\bwith(out)? (?:the )?flashinfer sampler", re.IGNORECASE)
_OPT_IN, _TRITON, _DEFAULT_AGAIN = (0, 11, 1), (0, 17, 0), (0, 21, 0)
"""The release that made FlashInfer's sampler an option, that brought a Triton kernel, that takes FlashInfer
by default again."""
_LIKELY = (0, 11, 0)
"""The last release whose image has FlashInfer and whose wheel has not."""
_HOPPER = 9.0
_ANY_ROWS = (0, 29, 0)
"""Triton's kernel was for eight rows and more before."""
_FEWEST_ROWS = 8
_TURING_OUT = (0, 24, 0)
"""FlashInferBackend.supports_compute_capability: from 7.5 on, from 8.0 on since this release."""


def build_of(text: str | None) -> ImageBuild:
    """The build that a version's text or an image's reference tells of: `0.11.0+rhai5`, `0.11.0+upstream`,
    `vllm/vllm-openai:v0.11.0`."""
    told = text or ""
    if sampler := _TOLD.search(told):
        return ImageBuild.WITHOUT_FLASHINFER if sampler[1] else ImageBuild.WITH_FLASHINFER
    if _RED_HAT.search(told):
        return ImageBuild.RED_HAT
    if _UPSTREAM.search(told):
        return ImageBuild.UPSTREAM
    return ImageBuild.RELEASE if _NUMBER_ALONE.fullmatch(told) else ImageBuild.UNKNOWN


def runs_on_cpu(image: str, args: Sequence[str], environment: Mapping[str, str]) -> bool | None:
    """Whether vLLM is a build for CPUs, as far as its image's name or its settings tell; None where they do
    not.

    Args:
        image: its reference; empty where it is not known.
        args: of the server; `--device cpu` was there up to 0.10.
        environment: of its container.
    """
    told = " ".join(args)
    if re.search(r"--device[ =]cpu\b", told) or environment.get("VLLM_TARGET_DEVICE", "").lower() == "cpu":
        return True
    if _CPU.search(image) or _HUGGINGFACE.search(image):
        return True
    return (
        False if build_of(image) in (ImageBuild.UPSTREAM, ImageBuild.RED_HAT) or _GPU.search(image) else None
    )


def built_for(image: str) -> str:
    """The vendor for whose accelerators an image's vLLM is built, as far as its name tells: `amd`; `cpu` for
    none; empty where it does not tell, or tells of several."""
    name = image.partition("@")[0]
    told = [vendor for vendor, words in _BUILT_FOR if words.search(name)]
    if not told and _FOR_CUDA.search(image):
        return "nvidia"
    return told[0] if len(told) == 1 else ""


def sampler_of(
    number: tuple[int, int, int],
    build: ImageBuild,
    *,
    patch_told: bool = True,
    cuda: bool = True,
    capability: float | None = None,
    rows: int = _FEWEST_ROWS,
) -> Sampler | None:
    """Who samples on the V1 engine; None where it hangs on something that nobody told.

    Args:
        number: of the release; the last of its minor release where no patch is told.
        build: from `build_of`.
        patch_told: whether `number` has its own patch.
        cuda: whether it runs on an NVIDIA card and returns no processed logits; else FlashInfer is not asked.
        capability: of the card; None when it is not known.
        rows: sequences that are sampled at once.
    """
    may, wanted = cuda and build is not ImageBuild.WITHOUT_FLASHINFER, build is ImageBuild.WITH_FLASHINFER
    if number < _OPT_IN:
        return _by_build(number, build, patch_told, capability) if may else Sampler.SORT
    if not patch_told and number[:2] == _OPT_IN[:2] and may:
        return Sampler.FLASHINFER if wanted else None  # 0.11.0, or one after it
    by_default = number >= _DEFAULT_AGAIN and _runs_flashinfer(number, capability)
    if may and (wanted or by_default):
        return Sampler.FLASHINFER
    triton = number >= _TRITON and (rows >= _FEWEST_ROWS or number >= _ANY_ROWS)
    return Sampler.TRITON if triton else Sampler.SORT


def may_lack_flashinfer(number: tuple[int, int, int], build: ImageBuild, capability: float | None) -> bool:
    """Whether `sampler_of` takes a release's number for its image although it may be a wheel: of 0.11.0 on
    Hopper and later, where both logs of it sample with FlashInfer."""
    return build is ImageBuild.RELEASE and number == _LIKELY and (capability or 0.0) >= _HOPPER


def _by_build(
    number: tuple[int, int, int], build: ImageBuild, patch_told: bool, capability: float | None
) -> Sampler | None:
    """FlashInfer wherever it can be imported.

    A number alone tells nothing: none of the nine logs of 0.8.5 to 0.10.2 has FlashInfer. Red Hat's 0.11.0
    sorts (two logs, rhai2 and rhai5); of its builds before that no log was found.
    """
    if build in (ImageBuild.UPSTREAM, ImageBuild.WITH_FLASHINFER) or (
        patch_told and may_lack_flashinfer(number, build, capability)
    ):
        return Sampler.FLASHINFER
    return Sampler.SORT if build is ImageBuild.RED_HAT and patch_told and number == _LIKELY else None


def _runs_flashinfer(number: tuple[int, int, int], capability: float | None) -> bool:
    return capability is None or (8.0 if number >= _TURING_OUT else 7.5) <= capability <= 12.1
