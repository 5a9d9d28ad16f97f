"""KServe's settings, and what they make of a model-car: how its image comes to the server, what is deployed.

Sources: kserve, pkg/types/config.go (ResolveOciModelMode), pkg/apis/serving/v1beta1/configmap.go,
pkg/utils/imagevolume.go, pkg/controller/v1beta1/inferenceservice/utils/utils.go (GetDeploymentMode), and
config/configmap/inferenceservice.yaml. Image volumes on OpenShift: openshift/api, features/features.go of
release-4.20, where ImageVolume is in the default set.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from modelcar_tui.cluster.home import CANDIDATES, likely_homes
from modelcar_tui.cluster.serving_types import DeploymentMode, KServe, OciMode
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, minor_version
from modelcar_tui.manifest import Scheduling

KNATIVE = "serving.knative.dev"
_SWITCH, _DEPLOY = "model-car-switch", "deployment-mode"
_MAP = "inferenceservice-config"
_STANDARD = (0, 16)
"""Release of KServe that renamed RawDeployment to Standard and Serverless to Knative."""
_IMAGE_VOLUMES, _SUB_PATHS, _BY_DEFAULT = 31, 33, 35
"""Minor releases of Kubernetes with image volumes: alpha without subPath (which KServe mounts by), beta and
off, on."""
_MODES = {
    "Standard": DeploymentMode.STANDARD,
    "RawDeployment": DeploymentMode.STANDARD,
    "Knative": DeploymentMode.KNATIVE,
    "Serverless": DeploymentMode.KNATIVE,
    "ModelMesh": DeploymentMode.MODEL_MESH,
}
_ON = ("enabled", "allowed")


class _ConfigMap(msgspec.Struct, frozen=True):
    data: dict[str, str] | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The ConfigMap as it stands, and those of Knative's features that it makes matter."""

    namespace: str = ""
    data: Mapping[str, str] | None = None
    """None where it could not be read."""
    why: str = ""
    """Why it could not."""
    features: Mapping[str, str] | None = None
    """Of Knative's ConfigMap config-features; None where it was not asked for, or could not be read."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What else decides what the settings come to."""

    release: str | None = None
    """KServe's own: `v0.17.0`."""
    kubernetes: str = ""
    """`v1.33.2`."""
    groups: Collection[str] | None = None
    """API groups of the server; None when it does not tell."""
    scheduling: Scheduling = Scheduling()
    """What the runtime's pods ask of their node."""


async def read_settings(client: Client) -> Settings:
    """The ConfigMap, of the applications namespace or where KServe itself puts it."""
    homes = await likely_homes(client)
    refused: ClusterError | None = None
    for place in dict.fromkeys((*homes, *CANDIDATES, "kserve")):
        try:
            found = await client.get(f"/api/v1/namespaces/{place}/configmaps/{_MAP}", _ConfigMap)
        except ClusterError as error:
            refused = refused or error
            continue
        data = found.data or {}
        served = _deployment(data.get("deploy", ""))[0] is DeploymentMode.KNATIVE
        return Settings(namespace=place, data=data, features=await _features(client) if served else None)
    why = refused.problem.what if refused is not None else f"there is no ConfigMap {_MAP}"
    return Settings(namespace=homes[0], why=why)


async def _features(client: Client) -> Mapping[str, str] | None:
    try:
        found = await client.get("/api/v1/namespaces/knative-serving/configmaps/config-features", _ConfigMap)
    except ClusterError:
        return None
    return found.data or {}


def kserve_of(settings: Settings) -> KServe:
    """The settings as data."""
    if settings.data is None:
        return KServe()
    storage, _ = _oci(settings.data.get("storageInitializer", ""))
    service = _object(settings.data.get("service", ""))
    headless = service.get("serviceClusterIPNone") if service is not None else None
    return KServe(
        namespace=settings.namespace,
        oci_mode=storage,
        deployment_mode=_deployment(settings.data.get("deploy", ""))[0],
        headless=headless if isinstance(headless, bool) else None,
    )


def kserve_checks(settings: Settings, around: Around) -> tuple[Check, ...]:
    """Whether KServe serves model-cars, and what it deploys where that is not a plain Deployment."""
    edit = f"oc edit configmap {_MAP} -n {settings.namespace}"
    if settings.data is None:
        what = f"KServe's model-car switch can't be read: {settings.why}"
        fix = f"oc get configmap {_MAP} -n {settings.namespace} -o yaml"
        return (Check(code=_SWITCH, state=State.UNKNOWN, what=what, fix=fix),)
    switch = _switch(settings, around, edit)
    return (switch, *_deployed(settings, around, edit))


def _switch(settings: Settings, around: Around, edit: str) -> Check:
    text = (settings.data or {}).get("storageInitializer", "")
    mode, odd = _oci(text)
    fix = f"set enableModelcar to true: {edit}"
    where = f"{_MAP} in {settings.namespace}"
    if odd:
        state = State.UNKNOWN if mode is OciMode.UNKNOWN else State.WARNING
        return Check(code=_SWITCH, state=state, what=f"{where} {odd}", fix=fix)
    if mode is OciMode.OFF:
        what = (
            "KServe's model-car switch is off: the storage initializer would be given the oci:// address "
            "and fail"
        )
        return Check(code=_SWITCH, state=State.BLOCKED, what=what, fix=fix)
    if mode is OciMode.NATIVE:
        return _native(around, edit)
    told = "copies oci:// images into the pod's own storage (ociModelMode fetch)"
    what = told if mode is OciMode.FETCH else "serves oci:// images as model-cars"
    return Check(code=_SWITCH, state=State.OK, what=f"KServe {what}")


def _native(around: Around, edit: str) -> Check:
    """Whether the cluster has the image volumes that mode `native` mounts, by subPath."""
    release = minor_version(around.kubernetes)
    what = "KServe mounts oci:// images as image volumes (ociModelMode native)"
    fix = f"set ociModelMode to modelcar: {edit}"
    if release is None:
        what += ": whether this release of Kubernetes has them is not known"
        return Check(code=_SWITCH, state=State.UNKNOWN, what=what, fix="oc version")
    if release < _SUB_PATHS:
        how = "has none" if release < _IMAGE_VOLUMES else "can't mount a part of one"
        what += f": Kubernetes 1.{release} {how}, it takes 1.{_SUB_PATHS}"
        return Check(code=_SWITCH, state=State.BLOCKED, what=what, fix=fix)
    openshift = around.groups is not None and "config.openshift.io" in around.groups
    if release < _BY_DEFAULT and not openshift:
        gate = "only with the feature gate ImageVolume, and whether it is on is not known"
        what += f": Kubernetes 1.{release} has them {gate}"
        fix = "see that kube-apiserver and kubelets run with --feature-gates=ImageVolume=true"
        return Check(code=_SWITCH, state=State.UNKNOWN, what=what, fix=fix)
    return Check(code=_SWITCH, state=State.OK, what=what)


def _oci(text: str) -> tuple[OciMode, str]:
    """The mode that the storage initializer's settings come to, and what is odd about them.

    A mode that is named beats both switches; either switch alone gives `modelcar`. Releases before 0.20 read
    `enableModelcar` only, but their settings name nothing else; the release that the operator tells does not
    decide (opendatahub-io/kserve calls itself v0.19.0 in config/component_metadata.yaml and reads all three).
    """
    settings = _object(text)
    if settings is None:
        return OciMode.UNKNOWN, "has no readable storageInitializer"
    named = settings.get("ociModelMode") or ""
    switches = {name: settings.get(name) for name in ("enableModelcar", "enableOciModelSupport")}
    for name, value in switches.items():
        if value is not None and not isinstance(value, bool):
            odd = f"has {name} {clean(str(value), limit=40)!r}, which is neither true nor false"
            return OciMode.UNKNOWN, f"{odd}: KServe can't read it"
    if named:
        known = {str(mode): mode for mode in (OciMode.MODELCAR, OciMode.NATIVE, OciMode.FETCH)}
        mode = known.get(named) if isinstance(named, str) else None
        if mode is None:
            odd = f"has ociModelMode {clean(str(named), limit=40)!r}, which KServe refuses"
            return OciMode.UNKNOWN, f"{odd}: it takes {', '.join(known)}"
        return mode, ""
    if any(switches.values()):
        return OciMode.MODELCAR, ""
    silent = set(switches.values()) == {None}
    return OciMode.OFF, "does not say whether model-cars are on" if silent else ""


def _deployment(text: str) -> tuple[DeploymentMode, str]:
    """The default mode, and its text where it is none."""
    settings = _object(text)
    named = (settings or {}).get("defaultDeploymentMode", "")
    mode = _MODES.get(named) if isinstance(named, str) else None
    return mode or DeploymentMode.UNKNOWN, "" if mode else clean(str(named), limit=40)


def _deployed(settings: Settings, around: Around, edit: str) -> Iterator[Check]:
    """What an InferenceService becomes that names no mode; the QA suite's name theirs."""
    mode, odd = _deployment((settings.data or {}).get("deploy", ""))
    suite = "the QA suite's InferenceServices name Standard themselves"
    if _older(around.release, _STANDARD):
        suite = f"KServe {around.release} does not know the Standard that the QA suite names"
    own = "RawDeployment" if _older(around.release, _STANDARD) else "Standard"
    fix = f"annotate it serving.kserve.io/deploymentMode: {own}, or set defaultDeploymentMode: {edit}"
    unsaid = "an InferenceService that names no deploymentMode"
    what = ""
    if odd:
        what = f"KServe refuses its own defaultDeploymentMode {odd!r}"
    elif mode is DeploymentMode.MODEL_MESH:
        what = f"{unsaid} goes to ModelMesh, which serves no model-cars; {suite}"
    elif mode is DeploymentMode.KNATIVE and around.groups is not None and KNATIVE not in around.groups:
        what = f"{unsaid} becomes a Knative service, and the cluster has no Knative Serving; {suite}"
    elif mode is DeploymentMode.KNATIVE and (refused := _refused(settings.features, around.scheduling)):
        what = (
            f"{unsaid} becomes a Knative service, and Knative refuses the {refused} that the runtime gives "
            f"its pods; {suite}"
        )
        allow = "oc edit configmap config-features -n knative-serving"
        fix = f"set kubernetes.podspec-* to enabled: {allow}; or {fix}"
    if what:
        yield Check(code=_DEPLOY, state=State.WARNING, what=what, fix=fix)


def _refused(features: Mapping[str, str] | None, scheduling: Scheduling) -> str:
    """What of the scheduling Knative does not take, by its flags, which are off where nothing is said."""
    if features is None:
        return ""
    asked = (
        ("nodeselector", "node selector", scheduling.selector),
        ("tolerations", "tolerations", scheduling.tolerations),
        ("affinity", "node affinity", scheduling.terms),
    )
    on = {flag for flag, _, _ in asked if features.get(f"kubernetes.podspec-{flag}", "").lower() in _ON}
    return " and ".join(word for flag, word, given in asked if given and flag not in on)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _older(release: str | None, than: tuple[int, int]) -> bool:
    """Whether a release of KServe is known and older."""
    match = re.match(r"v?(\d{1,3})\.(\d{1,3})", release or "")
    return match is not None and (int(match[1]), int(match[2])) < than
