"""IBM Spyre, Google TPU, AWS Neuron, and accelerators of vendors that we don't know."""

from __future__ import annotations

import re

from modelcar_tui.cluster.vendors.nvidia_names import KOORDINATOR, OTHER_NAMES
from modelcar_tui.cluster.vendors.view import Found, View, count, device_pool, incomplete, table_mib, worth
from modelcar_tui.hardware import resource_prefixes, vendors

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
    if not (resources or view.labels.get("ibm.com/spyre.present") == "true" or _spyre_on_the_bus(view)):
        return None
    product = view.labels.get("ibm.com/spyre.product", "").replace("_", "-")
    product = product or ("IBM-Spyre" if resources else "")
    pools = tuple(
        view.pool(resource, **worth(table_mib(product) if resource.endswith("_pf") else None))
        for resource in resources
    )
    cards = view.number("ibm.com/spyre.count")
    return Found(
        vendor="ibm-spyre",
        product=product or None,
        product_from="label" if product else "",
        physical=count(pool for pool in pools if pool.resource.endswith("_pf")) if cards is None else cards,
        pools=pools,
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
    pools = tuple(view.pool(resource, **worth(table_mib(product))) for resource in resources)
    return Found(
        vendor="google-tpu",
        product=product,
        product_from="label" if product else "",
        physical=count(pools),
        pools=pools,
        notes=("OpenShift AI has no vLLM runtime for TPUs",),
    )


def find_neuron(view: View) -> Found | None:
    """AWS Neuron: chips, devices and cores are names for the same silicon; chips are counted."""
    resources = view.offered(_NEURON)
    if not resources and view.labels.get("feature.node.kubernetes.io/aws-neuron") != "true":
        return None
    known = view.machine("aws-neuron")[0] if resources else None
    best = [name for name in _NEURON_ORDER if name in resources][:1]
    pools = tuple(
        view.pool(name, **worth(known.memory_mib if known and not name.endswith("core") else None))
        for name in best
    )
    return Found(
        vendor="aws-neuron",
        product=known.name if known else None,
        product_from="instance-type" if known else "",
        physical=count(pool for pool in pools if not pool.resource.endswith("core")),
        pools=pools,
        notes=("OpenShift AI has no vLLM runtime for Neuron",),
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
        notes=(f"{pools[0].resource} is not an accelerator that we know",),
        why="" if names else incomplete(devices),
    )


def _looks_like_one(name: str) -> bool:
    domain, _, kind = name.partition("/")
    if (
        name.startswith(resource_prefixes())
        or OTHER_NAMES.fullmatch(name)
        or KOORDINATOR.fullmatch(name)
        or domain == "kubernetes.io"
        or domain.endswith(".kubernetes.io")
    ):
        return False
    return bool(_ACCELERATOR.fullmatch(kind)) and not _NOT.fullmatch(kind)
