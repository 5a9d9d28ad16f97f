"""A cluster on which each right to look brings something, and what it brings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelcar_tui.cluster.rights import CODE
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import (
    CLAIMS,
    CLUSTER_QUEUES,
    CLUSTER_QUOTAS,
    CONFIG_MAPS,
    DASHBOARD,
    LIMIT_RANGES,
    LOCAL_QUEUES,
    NODES,
    PROFILES,
    QUOTAS,
    RUNTIMES,
    SECRETS,
    SLICES,
    TEMPLATES,
    node,
    template,
)
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Right as StubRight
from modelcar_tui.demo.kube_rights import User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind, Object
from support.roles import MODELS, Granted, granted

LLM = Kind("serving.kserve.io", "v1alpha2", "llminferenceservices", "LLMInferenceService")
CLUSTER_RUNTIMES = Kind(
    "serving.kserve.io", "v1alpha1", "clusterservingruntimes", "ClusterServingRuntime", namespaced=False
)
CLASSES = Kind("resource.k8s.io", "v1", "deviceclasses", "DeviceClass", namespaced=False)
OLD_PROFILES = Kind("dashboard.opendatahub.io", "v1alpha1", "hardwareprofiles", "HardwareProfile")
ACCELERATORS = Kind("dashboard.opendatahub.io", "v1", "acceleratorprofiles", "AcceleratorProfile")
PATIENT = {"connect_timeout_s": 20.0, "read_timeout_s": 30.0, "request_timeout_s": 60.0}
"""Nothing is to be missing because the machine was busy."""
LOOK = "modelcar-look"
"""How the names of the roles begin that judging takes."""


_IMAGE = "quay.io/x/vllm:v0.18.0"
_FOR = "opendatahub.io/recommended-accelerators"
OLDER = ("hardwareprofiles.dashboard.opendatahub.io", "acceleratorprofiles.dashboard.opendatahub.io")
_TOLD = r"checks\.right-missing|access\.missing"
_RUNTIME = r"runtime\..*|runtime|runtime_problem.*|inventory\.nodes"
_FACTS = {
    # Which accelerators there are decides on the runtime, the queues that matter, what services take.
    "list nodes": rf"inventory\..*|{_RUNTIME}|checks\.(llm-services|queue-quota)",
    "list pods": r"inventory\.(nodes|problems|waiting)",
    # Where the applications are is guessed then, and in the other usual place nothing may be read.
    "list dscinitializations": r"profiles\.unknown",
    "list datascienceclusters": r"checks\.data-science-cluster|versions\.(ai|kserve)",
    "get clusterversions": r"versions\.(inferred|openshift)",
    "get infrastructures": r"",
    "list clusterservingruntimes": r"runtimes",
    "list llminferenceservices": r"checks\.llm-services|llm_services\..*",
    "list clusterqueues": r"checks\.queue-quota|limits\.queues",
    "list resourceslices": r"inventory\.(nodes|problems|partial)",
    "list deviceclasses": r"inventory\.nodes",
    "list resourceclaims": r"inventory\.(nodes|problems|partial)",
    "list templates": _RUNTIME,
    "list odhdashboardconfigs": _RUNTIME,
    "get configmaps": r"checks\.(deployment-mode|model-car-switch)|kserve\..*",
    "list hardwareprofiles": r"profiles\..*",
    "list acceleratorprofiles": r"profiles\..*",
    "list servingruntimes": rf"runtimes|{_RUNTIME}",
    "get namespaces": r"limits\.managed",
    "list resourcequotas": r"checks\.quota|limits\.(quotas|unknown)",
    "list limitranges": r"checks\.limit-range|limits\.(ranges|unknown)",
    "list appliedclusterresourcequotas": r"checks\.quota|limits\.(quotas|unknown)",
    "list localqueues": r"checks\.(queue|queue-quota)|limits\.(queues|unknown|managed)",
    "get serviceaccounts": r"pull\..*",
    "get secrets": r"pull\..*",
    "list machinesets": r"inventory\.scale_up",
}
"""By right the paths of a report that differ without it."""
_SAID_ALONE = ("look:get-infrastructures.config.openshift.io", "look-serverless:get-configmaps")
"""Rights whose answer says nothing new on this cluster: its nodes name their platform, no runtime asks for
a field that Knative has switched off. That they are missing is told all the same."""


def needs_older(one: Granted) -> bool:
    """Whether it is asked for only where OpenShift AI is old."""
    return one.full in OLDER or (one.bind, one.resource) == ("redhat-ods-applications", "servingruntimes")


def held(one: Granted, full: AcceleratorReport, less: AcceleratorReport, whole: str, user: str) -> list[str]:
    """What is wrong with a report without one right: more differs than its facts, or it is not told with the
    command that grants it.

    Args:
        one: the right that `user` lacks.
        full: what `whole` sees, who has all of them.
        less: what `user` sees.
    """
    wrong: list[str] = []
    allowed = re.compile(f"(?:{_FACTS[f'{one.verb} {one.resource}']}|{_TOLD})")
    differs = changed(facts(full, whole), facts(less, user))
    told_only = re.compile(_TOLD)
    if one.id not in _SAID_ALONE and all(told_only.fullmatch(path) for path in differs):
        wrong.append("nothing of the report hangs on it")
    wrong += [f"{path} differs" for path in sorted(differs) if not allowed.fullmatch(path)]
    told = [(check.what, check.fix) for check in less.checks if check.code == CODE]
    told += [(problem.what, problem.fix) for problem in less.access.missing]
    sentence, command = f"{user} may not {one.verb} {one.full}", "oc adm policy add-"
    if not any(what.startswith(sentence) and command in fix and user in fix for what, fix in told):
        wrong.append(f"{sentence!r} is not told: {told}")
    return wrong


def looks() -> tuple[Granted, ...]:
    """Those that judging takes."""
    return tuple(one for one in granted() if one.role.startswith(LOOK))


def stub_user(*lacking: Granted) -> User:
    """Somebody with all rights to look but some; the stub knows no rights on one object by its name."""
    kept = [one for one in looks() if one not in lacking]
    return User("reader", rights=tuple(_stub_right(one) for one in kept))


def _stub_right(one: Granted) -> StubRight:
    everywhere = not one.namespace or one.resource == "namespaces"
    return StubRight(one.full, "*" if everywhere else one.namespace, (one.verb,))


def everything() -> Scenario:
    """OpenShift AI with a quota, a queue, DRA, and runtimes of each kind."""
    found = openshift_ai()
    gpus = {"requests.nvidia.com/gpu": "8"}
    here = {"namespace": MODELS}
    total = {"hard": gpus, "used": {"requests.nvidia.com/gpu": "1"}}
    spec = {"quota": {"hard": gpus}, "selector": {"labels": {"matchLabels": {"team": "ai"}}}}
    found.objects[NODES].append(_dra_node())
    found.objects |= {
        QUOTAS: [{"metadata": {"name": "team", **here}, "spec": {"hard": gpus}, "status": total}],
        LIMIT_RANGES: [
            {
                "metadata": {"name": "each", **here},
                "spec": {"limits": [{"type": "Container", "max": {"nvidia.com/gpu": "4"}}]},
            }
        ],
        CLUSTER_QUOTAS: [
            {
                "metadata": {"name": "teams", **here},
                "spec": spec,
                "status": {"total": total, "namespaces": []},
            }
        ],
        LOCAL_QUEUES: [{"metadata": {"name": "gpus", **here}, "spec": {"clusterQueue": "all"}}],
        CLUSTER_QUEUES: [_cluster_queue()],
        SLICES: [_slice()],
        CLASSES: [{"metadata": {"name": "gpu.nvidia.com"}, "spec": {}}],
        CLAIMS: [],
        RUNTIMES: [_runtime("own", **here)],
        CLUSTER_RUNTIMES: [_runtime("everywhere")],
        LLM: [{"metadata": {"name": "chat", **here}, "spec": {"model": {"uri": "hf://a/b"}}}],
        OLD_PROFILES: [_old_profile("older", here), _old_profile("older", {"namespace": APPLICATIONS})],
        ACCELERATORS: [
            {
                "metadata": {"name": f"card-{place}", "namespace": place},
                "spec": {"displayName": "card", "enabled": True, "identifier": "nvidia.com/gpu"},
            }
            for place in (MODELS, APPLICATIONS)
        ],
    }
    found.objects[PROFILES].append(_profile("team", here))
    found.objects[TEMPLATES].append(
        template("team-template", ["nvidia.com/gpu"], _IMAGE, display="vLLM of the team")
    )
    for one in found.objects[DASHBOARD]:
        one["spec"]["templateDisablement"] = ["vllm-cuda-runtime-template"]
    for one in found.objects[CONFIG_MAPS]:
        one["data"]["deploy"] = json.dumps({"defaultDeploymentMode": "Serverless"})
    found.objects[CONFIG_MAPS].append(
        {"metadata": {"name": "config-features", "namespace": "knative-serving"}, "data": {}}
    )
    found.objects[SECRETS].append(
        {
            "metadata": {"name": "pull-secret", "namespace": "openshift-config"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": "eyJhdXRocyI6IHsicmVnaXN0cnkuZXhhbXBsZS5jb20iOiB7fX19"},
        }
    )
    return found


def older() -> Scenario:
    """The same without HardwareProfiles and Templates: what OpenShift AI 2 had instead is asked for."""
    found = everything()
    found.objects |= {PROFILES: [], TEMPLATES: [], RUNTIMES: [_runtime("theirs", namespace=APPLICATIONS)]}
    return found


def _runtime(name: str, **place: str) -> Object:
    container = {"name": "kserve-container", "image": _IMAGE, "args": ["--port=8080"]}
    formats = [{"name": "vLLM", "autoSelect": True}]
    return {
        "metadata": {"name": name, "annotations": {_FOR: '["nvidia.com/gpu"]'}, **place},
        "spec": {"supportedModelFormats": formats, "containers": [container]},
    }


def _profile(name: str, place: Mapping[str, str]) -> Object:
    amounts = {"minCount": 1, "maxCount": 4, "defaultCount": 1}
    card = {"displayName": "GPU", "identifier": "nvidia.com/gpu", **amounts}
    return {"metadata": {"name": name, **place}, "spec": {"identifiers": [card]}}


def _old_profile(name: str, place: Mapping[str, str]) -> Object:
    made = _profile(name, place)
    return {**made, "spec": {**made["spec"], "displayName": name, "enabled": True}}


def _cluster_queue() -> Object:
    quotas = [{"name": "nvidia.com/gpu", "nominalQuota": "8"}]
    group = {"coveredResources": ["nvidia.com/gpu"], "flavors": [{"name": "any", "resources": quotas}]}
    return {"metadata": {"name": "all"}, "spec": {"resourceGroups": [group]}}


def _dra_node() -> Object:
    return node("gpu-dra-0", {"nvidia.com/gpu.present": "true"}, {}, instance="p5.48xlarge")


def _slice() -> Object:
    device = {
        "name": "gpu-0",
        "attributes": {"type": {"string": "gpu"}, "productName": {"string": "NVIDIA H200"}},
        "capacity": {"memory": {"value": "141Gi"}},
    }
    pool = {"name": "gpu-dra-0", "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": "gpu.nvidia.com", "nodeName": "gpu-dra-0", "pool": pool, "devices": [device]}
    return {"metadata": {"name": "gpu-dra-0-gpu"}, "spec": spec}


def facts(report: AcceleratorReport, user: str) -> dict[str, Any]:
    """The report by paths, without times and without who asked; a check counts by its code."""
    told = msgspec.to_builtins(report)
    told["checks"] = {
        code: sorted(f"{one['state']}: {one['what']}" for one in told["checks"] if one["code"] == code)
        for code in {one["code"] for one in told["checks"]}
    }
    for where in (told["inventory"], told["access"]):
        for key in ("at", "nodes_at", "user", "groups"):
            where.pop(key, None)
    told = json.loads(re.sub(rf"\b{re.escape(user)}\b", "reader", json.dumps(told)))
    return dict(_leaves(told, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and path.count(".") < 2:
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else key)
    else:
        yield path, value


def changed(full: Mapping[str, Any], less: Mapping[str, Any]) -> set[str]:
    """The paths at which two reports differ."""
    return {path for path in full.keys() | less.keys() if full.get(path) != less.get(path)}
