"""Which vLLM runtime image the cluster itself would use for the accelerators that are there.

The applications namespace is asked of DSCInitialization; Templates are readable there for every user. A match
is by `recommended-accelerators`; without one there is no image, never CUDA's for want of a better.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from modelcar_tui.cluster.home import CANDIDATES, applications_namespace
from modelcar_tui.cluster.offers import Offer, ServingRuntime, Template, from_runtime, from_template
from modelcar_tui.cluster.profiles import promised
from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import Inventory, Runtime
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import vendor_of_resource, vendors
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import Meta
from modelcar_tui.vllm import release_of_runtime

OVERRIDE = "VLLM_RUNTIME_IMAGE"
_FIX = f"name the image yourself: export {OVERRIDE}=IMAGE"
_TEMPLATES = "/apis/template.openshift.io/v1/namespaces/{}/templates"
_RUNTIMES = "/apis/serving.kserve.io/v1alpha1/namespaces/{}/servingruntimes"
_CLUSTER_RUNTIMES = "/apis/serving.kserve.io/v1alpha1/clusterservingruntimes"
_DASHBOARDS = "/apis/opendatahub.io/v1alpha/namespaces/{}/odhdashboardconfigs"
CPU = "cpu"


class _DashboardSpec(msgspec.Struct, frozen=True, rename="camel"):
    template_disablement: list[str] | None = None
    template_order: list[str] | None = None


class _Dashboard(msgspec.Struct, frozen=True):
    metadata: Meta = Meta()
    spec: _DashboardSpec = _DashboardSpec()


def override(environ: Mapping[str, str] | None = None) -> Runtime | None:
    """The image that the operator set in the environment."""
    image = clean((os.environ if environ is None else environ).get(OVERRIDE, "").strip(), limit=500)
    if not image:
        return None
    return Runtime(
        image=image, name=OVERRIDE, version=release_of_runtime("", image), why=f"set by {OVERRIDE}"
    )


async def find_runtime(
    client: Client,
    inventory: Inventory,
    namespace: str,
    profiles: Profiles | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Runtime | None, Problem | None]:
    """The runtime for the accelerators of the inventory, or why there is none.

    Args:
        client: of the cluster.
        inventory: what is there; an unknown one matches nothing.
        namespace: where models are served; its own ServingRuntimes are looked at last.
        profiles: those of hardware, which tell the accelerator where the nodes don't.
        environ: the environment, for the override.
    """
    if (chosen := override(environ)) is not None:
        return chosen, None
    offers: list[Offer] = []
    problem: Problem | None = None
    home = await applications_namespace(client)
    tried = list(dict.fromkeys(filter(None, (home,) if home else (*CANDIDATES, namespace))))
    for place in tried:
        found, fault = await _offers(client, place)
        offers += found
        problem = problem or fault
        if any(not offer.dropped for offer in found):
            break
    for place in dict.fromkeys((namespace, *tried)):
        if place and not any(not offer.dropped for offer in offers):
            offers += await _existing(client, place)
    runtime, why_not = choose(offers, inventory, "" if inventory.known else _promised(profiles))
    if runtime is None and problem is not None and not offers:
        return None, problem
    return runtime, why_not


def choose(
    offers: list[Offer], inventory: Inventory, only: str = ""
) -> tuple[Runtime | None, Problem | None]:
    """The best offer for the accelerator with the most usable units, or why there is none.

    Args:
        offers: what the cluster has.
        inventory: the accelerators.
        only: the only accelerator of the hardware profiles, for an inventory that is not known.
    """
    if not inventory.known and not only:
        return None, _none(f"the accelerators are unknown, so no runtime can be chosen{_offered(offers)}")
    resource, architectures = (only, frozenset[str]()) if only else _wanted(inventory)
    if resource == "":
        names = ", ".join(sorted({node.card(pool).vendor for node in inventory.nodes for pool in node.pool}))
        return None, _none(f"OpenShift AI has no vLLM runtime for the accelerators here ({names})")
    fitting = [offer for offer in offers if _fits(offer, resource, architectures)]
    ranked = sorted((offer for offer in fitting if not offer.dropped), key=_rank)
    if not ranked:
        told = "; ".join(f"{offer.name} {offer.dropped}" for offer in fitting[:3])
        return None, _none(f"no vLLM runtime is offered for {resource}" + (f" ({told})" if told else ""))
    best = ranked[0]
    return Runtime(
        image=best.image,
        name=best.name,
        version=best.version,
        accelerator=resource,
        args=best.args,
        environment=best.environment,
        scheduling=best.scheduling,
        why=_why(ranked, resource, only),
        serving_runtime=best.runtime,
        template=best.template,
        command=best.command,
        port=best.port,
        starts=best.starts,
        script=best.script,
        shm_mib=best.shm_mib,
        memory_limit_mib=best.memory_limit_mib,
        withheld=best.withheld,
    ), None


def _why(ranked: list[Offer], resource: str, only: str) -> str:
    told = f"{ranked[0].name}: recommended for {resource}"
    if only:
        told += ", the only accelerator of the hardware profiles (the nodes can't be looked at)"
    others = ", ".join(f"{one.name} ({one.image})" for one in ranked[1:4])
    return f"{told}; also offered: {others}" if others else told


def _rank(offer: Offer) -> tuple[bool, bool, int, str]:
    return not offer.standard, not offer.shipped, offer.order, offer.name


def _offered(offers: list[Offer]) -> str:
    """What could be chosen; reads on after a sentence."""
    chosen = [one for one in offers if not one.dropped][:4]
    names = ", ".join(f"{one.name} ({'/'.join(one.accelerators or ()) or CPU})" for one in chosen)
    return f"; the cluster offers {names}" if names else ""


def _wanted(inventory: Inventory) -> tuple[str, frozenset[str]]:
    """The resource with the most usable units, as templates name it, and its nodes' architectures.

    `cpu` when there is no accelerator at all; empty when no runtime serves those that are there.
    """
    units: dict[str, int] = {}
    architectures: dict[str, set[str]] = {}
    for node in inventory.nodes:
        for pool in node.pool if node.usable else ():
            resource = template_resource(pool.resource, node.card(pool).vendor)
            if resource and pool.units:
                units[resource] = units.get(resource, 0) + pool.units
                architectures.setdefault(resource, set()).add(node.arch or "")
    if units:
        best = max(units, key=lambda resource: units[resource])
        return best, frozenset(architectures[best])
    if any(node.usable and node.pool for node in inventory.nodes):
        return "", frozenset()
    return CPU, frozenset(node.arch or "" for node in inventory.others if node.usable)


def template_resource(resource: str, vendor_word: str = "") -> str:
    """The resource by which templates know an accelerator; empty for those that have none.

    Args:
        resource: as a node or a hardware profile offers it.
        vendor_word: whose it is, where that is known: the name may be another scheduler's.
    """
    vendor = vendors().get(vendor_word) or vendor_of_resource(resource)
    if vendor is None or not vendor.templates:
        return ""
    return resource if resource in vendor.resources else vendor.resources[0]


def _fits(offer: Offer, resource: str, architectures: frozenset[str]) -> bool:
    known = architectures - {""}
    if offer.architectures and known and not known & set(offer.architectures):
        return False
    if resource == CPU:
        return offer.accelerators == () or (offer.accelerators is None and "-cpu" in offer.name)
    if offer.accelerators is not None:
        return resource in offer.accelerators
    vendor = vendor_of_resource(resource)
    return vendor is not None and bool(vendor.runtime) and vendor.runtime in offer.name


def _promised(profiles: Profiles | None) -> str:
    """The accelerator that the hardware profiles offer, where it is one kind only."""
    kinds = {template_resource(resource) for resource in promised(profiles)} - {""}
    return kinds.pop() if len(kinds) == 1 else ""


async def _offers(client: Client, namespace: str) -> tuple[list[Offer], Problem | None]:
    try:
        wanted = {"labelSelector": "opendatahub.io/dashboard"}
        templates = await client.whole_list(_TEMPLATES.format(namespace), Template, wanted)
    except ClusterError as error:
        if error.missing:
            return [], _none("the cluster has no Templates: it is not OpenShift")
        if error.forbidden:
            return [], msgspec.structs.replace(
                error.problem, what=f"the runtime templates in {namespace} can't be listed", fix=_FIX
            )
        return [], error.problem
    disabled, order = await _wishes(client, namespace)
    found: list[Offer] = []
    odd: Problem | None = None
    for template in templates:
        with Contained(f"template {clean(template.metadata.name, limit=253)}") as caught:
            found += from_template(template, disabled, order)
        odd = odd or caught.problem
    return found, odd


async def _wishes(client: Client, namespace: str) -> tuple[frozenset[str], list[str]]:
    """What the administrator disabled, and the order of the templates."""
    try:
        found = await client.short_list(_DASHBOARDS.format(namespace), _Dashboard)
    except ClusterError:
        return frozenset(), []
    disabled = {name for one in found for name in one.spec.template_disablement or ()}
    return frozenset(disabled), [name for one in found for name in one.spec.template_order or ()]


async def _existing(client: Client, namespace: str) -> list[Offer]:
    offers: list[Offer] = []
    with Contained(f"ServingRuntimes of {namespace}"):
        for runtime in await client.whole_list(_RUNTIMES.format(namespace), ServingRuntime):
            with Contained(f"ServingRuntime {clean(runtime.metadata.name, limit=253)}"):
                offers += [offer] if (offer := from_runtime(runtime)) is not None else []
    return offers


async def serving_runtimes(client: Client, namespace: str) -> tuple[Runtime, ...] | None:
    """ServingRuntimes that run vLLM: the namespace's, then those of the whole cluster, which KServe asks
    next; None where the namespace's can't be read."""
    found: list[Offer] = []
    for place in (_RUNTIMES.format(namespace), _CLUSTER_RUNTIMES):
        try:
            there = await client.whole_list(place, ServingRuntime)
        except ClusterError as error:
            if place == _CLUSTER_RUNTIMES or error.missing:
                continue
            return None
        for runtime in there:
            with Contained(f"ServingRuntime {clean(runtime.metadata.name, limit=253)}"):
                found += [offer] if (offer := from_runtime(runtime)) is not None else []
    return tuple(
        Runtime(
            image=offer.image,
            name=offer.runtime,
            version=offer.version,
            args=offer.args,
            environment=offer.environment,
            scheduling=offer.scheduling,
            command=offer.command,
            port=offer.port,
            starts=offer.starts,
            script=offer.script,
            shm_mib=offer.shm_mib,
            memory_limit_mib=offer.memory_limit_mib,
            withheld=offer.withheld,
        )
        for offer in found
    )


def _none(what: str) -> Problem:
    return Problem(what=what, fix=_FIX, code="no-runtime")
