"""vLLM's release and build out of the reference of a runtime image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Server
from modelcar_tui.vllm.builds import ImageBuild, build_of
from modelcar_tui.vllm.release import parse_version

_VLLM_TAG = re.compile(r"v?(0\.\d{1,3}(?:\.\d{1,3}){1,2}(?:\.post\d{1,2})?)(?P<rest>$|[-+._].*)")
_OTHER = re.compile(r"v?\d+(?:\.\d+)+\S{0,20}")
"""A version, whoever's."""
_LOCAL = re.compile(r"\+[\w.]{1,30}")
_BUILT_AT = re.compile(r"-\d{6,}$")
"""The time that Red Hat puts behind a release of its product: `3.2.5-1766067105`."""
_PRODUCT_TAG = re.compile(r"rhoai-(\d+\.\d+)-(?:cuda|rocm)")
_TABLED = re.compile(r"vllm-(?:cuda|rocm)-rhel\d")
"""Images whose releases the table has; those for other accelerators go their own way."""
_RUNNERS = {"0": "without Model Runner V2", "1": "with Model Runner V2"}
_ASKED_ALONE = (0, 11, 1)
"""Before, VLLM_USE_FLASHINFER_SAMPLER=1 asks for what may not be installed, and the sort runs in its place
(v1/sample/ops/topk_topp_sampler.py)."""
_NOTHING: Mapping[str, str] = {}
_MARKS = {ImageBuild.RED_HAT: "+rhai", ImageBuild.UPSTREAM: "+upstream"}


class _File(msgspec.Struct, frozen=True):
    source: str
    rhaiis: dict[str, str]
    rhoai: dict[str, str]


@cache
def _file() -> _File:
    return table(__file__, "images.json", _File)


def release_of_runtime(annotation: str, image: str, environment: Mapping[str, str] = _NOTHING) -> str | None:
    """vLLM's version and build out of a serving runtime's annotation, else out of its image's tag.

    What is not one of vLLM's, such as `3.4.0` in a registry that is not known, tells the product around it.
    """
    text = annotation.strip()
    told = release_in(text) or release_of_image(image)
    if told is None and _OTHER.fullmatch(text):
        told = clean(text.removeprefix("v"), limit=40)
    return with_build(told, image, environment) if told else None


def release_of_server(server: Server | None) -> str | None:
    """What a manifest itself tells of the release that serves; None for a model-car, or where it tells
    nothing."""
    if server is None:
        return None
    return release_of_runtime(server.version, server.image, dict(server.environment))


def release_in(text: str) -> str | None:
    """The release in a tag or an annotation that looks like one of vLLM's, with its build: `0.11.0+rhai5`."""
    match = _VLLM_TAG.fullmatch(text)
    if match is None:
        return None
    local = _LOCAL.match(match["rest"])
    return match[1] + (local[0] if local else "")


def release_of_image(image: str) -> str | None:
    """What an image's tag tells: vLLM's own number, or Red Hat's of the product around it.

    Red Hat's are looked up; a digest tells nothing, and nor does a tag that moves or is in no table. An image
    of another name has another number: `llm-d-cuda:v0.9.0` that of llm-d, `huggingfaceserver` KServe's.
    """
    path, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    if build_of(image) is not ImageBuild.RED_HAT:
        return release_in(tag) if "vllm" in path.lower() or "vllm" in tag.lower() else None
    product = _PRODUCT_TAG.fullmatch(tag)
    if product:
        return _file().rhoai.get(product[1])
    own = release_in(tag)
    tabled = _TABLED.search(image)
    return own or (_file().rhaiis.get(_BUILT_AT.sub("", tag.removeprefix("v"))) if tabled else None)


def with_build(release: str, image: str, environment: Mapping[str, str]) -> str:
    """The release with the build that the image tells of, where it does not say one itself, and with what the
    container's environment says of its sampler, of AITER and of Model Runner V2."""
    whole = release if "+" in release else release + _MARKS.get(build_of(image), "")
    return " ".join((whole, *_said(release, environment)))


def _said(release: str, environment: Mapping[str, str]) -> Iterator[str]:
    sampler = environment.get("VLLM_USE_FLASHINFER_SAMPLER", "").strip()
    if sampler == "0":
        yield ImageBuild.WITHOUT_FLASHINFER
    elif sampler == "1" and (parse_version(release) or ()) >= _ASKED_ALONE:
        yield ImageBuild.WITH_FLASHINFER
    kernels = environment.get("VLLM_ROCM_USE_AITER", "").strip().lower()
    if kernels:
        yield "with AITER" if kernels in ("1", "true") else "without AITER"
    runner = environment.get("VLLM_USE_V2_MODEL_RUNNER", "").strip()
    if runner in _RUNNERS:
        yield _RUNNERS[runner]
