"""IBM Spyre, Google TPU, AWS Neuron, and accelerators of vendors that we don't know."""

from __future__ import annotations

import re

from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.nvidia_names import KOORDINATOR, OTHER_NAMES
from modelcar_tui.cluster.vendors.view import Found, View, device_pool, incomplete, unhealthy
from modelcar_tui.hardware import instance, prefixes, product_named, vendors

_SPYRE = re.compile(r"ibm\.com/spyre_(?:pf|vf)")
_SPYRE_DEVICES = {"06a7", "06a8", "06e7"}
_SPYRE_CLASSES = ("06e7", "1200")
"""What stands before IBM's vendor id: its operator's own rule writes `pci-06e7_1014` (ibm-aiu/spyre-operator,
assets/state-init/common), NFD the class of processing accelerators."""
_TPU = re.compile(r"google\.com/tpu")
_NEURON = re.compile(r"aws\.amazon\.com/neuron(?:device|core)?")
_NEURON_ORDER = ("aws.amazon.com/neuron", "aws.amazon.com/neurondevice", "aws.amazon.com/neuroncore")
_ACCELERATOR = re.compile(
    r"(?:.*[-_.])?(?:[vsc]?(?:gpu|npu|mlu|dcu|gcu|xpu|ipu|ppu|lpu|rdu)|qaic|accelerator|ascend\w*|rngd|atom)s?"
    r"(?:[-_.]?\w+)?",
    re.IGNORECASE,
)
_DRIVER = re.compile(r"(?:^|[.-])(?:gpu|tpu|npu|neuron|spyre|accelerator)s?(?:[.-]|$)")
_NOT = re.compile(r".*(?:mem|core|monitoring|percentage|bandwidth|portion).*", re.IGNORECASE)


def find_spyre(view: View) -> Found | None:
    """Spyre: `tierN` and per-card names are the same cards again and are not counted."""
    resources = view.offered(_SPYRE)
    labels = view.labels
    if not (resources or labels.get("ibm.com/spyre.present") == "true" or _spyre_on_the_bus(view)):
        return None
    product = labels.get("ibm.com/spyre.product", "").replace("_", "-") or (
        "IBM-Spyre" if resources else None
    )
    known = product_named(product)
    count = view.number("ibm.com/spyre.count")
    pools = []
    for resource in resources:
        memory = known.memory_mib if known and resource.endswith("_pf") else None
        pools.append(
            view.pool(resource, mem_mib=memory, mem_guarantee="exclusive", mem_from="model-table")
            if memory
            else view.pool(resource)
        )
    cards = [pool.capacity or 0 for pool in pools if pool.resource.endswith("_pf")]
    return Found(
        vendor="ibm-spyre",
        product=product,
        product_from="label" if product else "",
        physical=count if count is not None else sum(cards) or None,
        pools=tuple(pools),
        notes=unhealthy(tuple(pools)),
    )


def _spyre_on_the_bus(view: View) -> bool:
    """IBM makes other devices, too: the vendor alone is none."""
    devices = {*view.pci("1014")} & _SPYRE_DEVICES
    return bool(devices or view.pci("1014", _SPYRE_CLASSES))


def find_tpu(view: View) -> Found | None:
    """Cloud TPU."""
    resources = view.offered(_TPU)
    product = view.labels.get("cloud.google.com/gke-tpu-accelerator") or None
    if not resources and product is None:
        return None
    known = product_named(product)
    pools = tuple(_chip(view, resource, known.memory_mib if known else None) for resource in resources)
    return Found(
        vendor="google-tpu",
        product=product,
        product_from="label" if product else "",
        physical=sum(pool.capacity or 0 for pool in pools) or None,
        pools=pools,
        notes=("OpenShift AI has no vLLM runtime for TPUs", *unhealthy(pools)),
    )


def find_neuron(view: View) -> Found | None:
    """AWS Neuron: chips, devices and cores are names for the same silicon; chips are counted."""
    resources = view.offered(_NEURON)
    labels = view.labels
    present = labels.get("feature.node.kubernetes.io/aws-neuron") == "true"
    if not resources and not present:
        return None
    known, _ = instance(view.instance_type)
    if known is not None and (known.vendor != "aws-neuron" or not resources):
        known = None
    best = next((name for name in _NEURON_ORDER if name in resources), None)
    pools: tuple[Pool, ...] = ()
    if best is not None:
        pools = (_chip(view, best, known.memory_mib if known and not best.endswith("core") else None),)
    chips = [pool.capacity or 0 for pool in pools if not pool.resource.endswith("core")]
    return Found(
        vendor="aws-neuron",
        product=known.name if known else None,
        product_from="instance-type" if known else "",
        physical=sum(chips) or None,
        pools=pools,
        notes=("OpenShift AI has no vLLM runtime for Neuron", *unhealthy(pools)),
    )


def find_unknown(view: View) -> Found | None:
    """Resources that look like accelerators of a vendor we don't know: units, and nothing else."""
    names = [name for name in view.offered(re.compile(r".*")) if _looks_like_one(name)]
    drivers = {vendor.driver for vendor in vendors().values()}
    devices = [pool for pool in view.dra if pool.driver not in drivers and _DRIVER.search(pool.driver)]
    pools = (*(view.pool(name) for name in names), *map(device_pool, devices))
    if not pools:
        return None
    vendor = names[0].partition("/")[0] if names else devices[0].driver
    return Found(
        vendor=vendor,
        pools=pools,
        unknown=True,
        notes=(f"{pools[0].resource} is not an accelerator that we know", *unhealthy(pools)),
        why="" if names else incomplete(devices),
    )


def _looks_like_one(name: str) -> bool:
    domain, _, kind = name.partition("/")
    if (
        name.startswith(prefixes())
        or OTHER_NAMES.fullmatch(name)
        or KOORDINATOR.fullmatch(name)
        or domain == "kubernetes.io"
        or domain.endswith(".kubernetes.io")
    ):
        return False
    return bool(_ACCELERATOR.fullmatch(kind)) and not _NOT.fullmatch(kind)


def _chip(view: View, resource: str, memory: int | None) -> Pool:
    if memory is None:
        return view.pool(resource)
    return view.pool(resource, mem_mib=memory, mem_guarantee=Guarantee.EXCLUSIVE, mem_from="model-table")
