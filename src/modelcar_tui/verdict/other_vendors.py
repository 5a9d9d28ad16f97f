"""Accelerators of which OpenShift AI or the quantization table knows less: no runtime, no column."""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, Card
from modelcar_tui.hardware import Gpu, product_named, served, vendor_title, vendors
from modelcar_tui.verdict.reports import ModelVerdict, Verdict
from modelcar_tui.vllm import built_for


def if_served(
    verdict: ModelVerdict, card: Card, report: AcceleratorReport, *, own_image: bool = False
) -> ModelVerdict:
    """A GO only where vLLM runs on the card at all, and some runtime is for its vendor: the operator's own,
    else OpenShift AI's.

    Args:
        verdict: on such cards.
        card: what the model is to run on.
        report: with the runtime that was found, of which one for another vendor (`accelerator`) does not
            count. For nodes that are only stated nobody looked: the verdict stays, and says what it needs.
        own_image: whether the manifest names the image that serves.
    """
    known, runtime = product_named(card.product), report.runtime
    if known is not None and known.no_vllm:
        return msgspec.structs.replace(verdict, verdict=Verdict.NO_GO, why=known.no_vllm, settle="")
    own = own_image or (runtime is not None and not runtime.accelerator)
    if verdict.verdict is not Verdict.GO or own or served(card.vendor):
        return verdict
    none = f"OpenShift AI has no vLLM runtime for {vendor_title(card.vendor)}"
    if report.inventory.origin != "cluster":
        needs = f"{none}: it needs an image of your own (VLLM_RUNTIME_IMAGE)"
        return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, needs))
    return msgspec.structs.replace(
        verdict,
        verdict=Verdict.UNKNOWN,
        why=f"{none}; {verdict.why}",
        settle="name the image that is to serve it: export VLLM_RUNTIME_IMAGE=IMAGE",
    )


def if_built_for(verdict: ModelVerdict, card: Card, image: str) -> ModelVerdict:
    """A GO only where the image that serves is not built for the accelerators of another vendor.

    Args:
        verdict: on such cards.
        card: what the model is to run on.
        image: of vLLM; empty where it is not known.
    """
    vendor = built_for(image)
    if verdict.verdict is Verdict.NO_GO or vendor in ("", card.vendor):
        return verdict
    name = image.partition("@")[0].rpartition("/")[2]
    title = vendor_title(card.vendor)
    settle = f"take an image that is built for {title}"
    if vendor == "cpu":
        why = f"the image {name} is a build of vLLM for CPUs, which leaves {card.product or title} idle"
        return msgspec.structs.replace(verdict, verdict=Verdict.UNKNOWN, why=why, settle=settle)
    why = f"the image {name} is built for {vendor_title(vendor)}, and {card.product or 'the card'} is {title}"
    return msgspec.structs.replace(
        verdict, verdict=Verdict.NO_GO, why=why, settle=settle, conditions=(), nodes=()
    )


def settles_doubt(gpu: Gpu) -> str:
    """What would tell whether a quantization runs: a generation, where the vendor's cards have any."""
    vendor = vendors().get(gpu.vendor)
    if vendor is not None and not vendor.generations:
        return f"only a try would tell: the tables say no more of {gpu.product}"
    return "state the GPU by its product label, or the quantization"
