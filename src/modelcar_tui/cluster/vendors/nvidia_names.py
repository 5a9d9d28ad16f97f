"""What labels, drivers and schedulers call NVIDIA's cards and generations; suffixes of MIG and sharing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcar_tui.hardware import product_named, vendors

SUFFIX = re.compile(r"(?:-MIG-(?P<profile>[\w.+]+))?(?P<shared>-SHARED)?$")

OTHER_NAMES = re.compile(
    r"(?:aliyun\.com/gpu-|(?:tke\.cloud\.)?tencent\.com/(?:vcuda|qgpu)-|volcano\.sh/v?gpu-|"
    r"k8s\.amazonaws\.com/vgpu|mig\.das\.com/|elasticgpu\.(?:com|io)/q?gpu-).*|nvidia\.com/gpu-\d+gb"
)
"""Its cards in another scheduler's measure: memory, hundredths of cards, slices that are not cut yet, shares
of so many GB (nebuly-ai/nos)."""
KOORDINATOR = re.compile(r"koordinator\.sh/gpu.*")
"""Hundredths of cards of whichever vendor its label names; before there was one, of NVIDIA's
(koordinator-sh/koordinator, apis/extension/device_share.go)."""


def name(product: str) -> str:
    """A product as a human says it: without the maker and the suffixes of MIG and sharing."""
    bare = SUFFIX.sub("", product.replace(" ", "-"))
    while bare.startswith("NVIDIA-"):  # HAMi puts one more in front
        bare = bare.removeprefix("NVIDIA-")
    return bare


def capability(labels: Mapping[str, str]) -> str | None:
    """The compute capability that the labels say."""
    major = labels.get("nvidia.com/gpu.compute.major", "")
    minor = labels.get("nvidia.com/gpu.compute.minor", "")
    return f"{major}.{minor}" if major.isdecimal() and minor.isdecimal() else None


def kind(product: str | None, labels: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Family and compute capability: the labels' own, else the product's."""
    known = product_named(product)
    cc = capability(labels) or (known.capability if known else None)
    return family(labels, cc) or (known.family if known else None), cc


def family(labels: Mapping[str, str], cc: str | None) -> str | None:
    """The label's word, else that of the compute capability."""
    word = labels.get("nvidia.com/gpu.family", "")
    if word and word != "undefined":
        return word
    generation = vendors()["nvidia"].generation(cc)
    return generation.label if generation else None
