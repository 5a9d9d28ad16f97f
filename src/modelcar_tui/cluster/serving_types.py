"""What is set up around a model: hardware profiles, KServe's settings, LLM services that are there."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.manifest import Toleration


class ProfileKind(StrEnum):
    """Which of the platform's kinds a profile is, by what applies it."""

    HARDWARE = "HardwareProfile"
    """infrastructure.opendatahub.io: a webhook applies it to what names it in an annotation."""
    DASHBOARD = "HardwareProfile of the dashboard"
    """dashboard.opendatahub.io: only the dashboard applies it."""
    ACCELERATOR = "AcceleratorProfile"
    """dashboard.opendatahub.io: only the dashboard applies it."""


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a profile: pieces, thousandths of a CPU, bytes; None where it says no number."""

    resource: str
    least: int | None = None
    default: int | None = None
    most: int | None = None
    """None for no bound."""

    def allows(self, count: int) -> bool:
        """Whether the dashboard would take so many."""
        return (self.most is None or count <= self.most) and (self.least is None or count >= self.least)


class HardwareProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One enabled profile; every text is cleaned."""

    name: str
    namespace: str
    kind: ProfileKind = ProfileKind.HARDWARE
    offers: tuple[Offered, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    selector: tuple[tuple[str, str], ...] = ()
    """Labels that it makes the pod select its node by."""
    queue: str = ""
    """LocalQueue of Kueue; where there is one, tolerations and selector are not applied."""
    priority_class: str = ""
    """WorkloadPriorityClass of Kueue."""

    @property
    def title(self) -> str:
        """`hardware profile l40s`, `accelerator profile l40s`."""
        return f"{'accelerator' if self.kind is ProfileKind.ACCELERATOR else 'hardware'} profile {self.name}"

    def offer(self, resource: str) -> Offered | None:
        """What it says of a resource; None where it does not name it."""
        return next((one for one in self.offers if one.resource == resource), None)


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """The enabled profiles that were found."""

    found: tuple[HardwareProfile, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be read, and why: there may be more."""


class OciMode(StrEnum):
    """How KServe brings an `oci://` image to the server."""

    MODELCAR = "modelcar"
    """A container beside the server's, which shares its files."""
    NATIVE = "native"
    """An image volume of Kubernetes."""
    FETCH = "fetch"
    """An init container that copies the files into the pod's own storage."""
    OFF = "off"
    UNKNOWN = "unknown"


class DeploymentMode(StrEnum):
    """What KServe makes of an InferenceService that does not say it itself, by the newer names."""

    STANDARD = "Standard"
    """A plain Deployment; `RawDeployment` before KServe 0.16."""
    KNATIVE = "Knative"
    """A service of Knative; `Serverless` before KServe 0.16."""
    MODEL_MESH = "ModelMesh"
    UNKNOWN = "unknown"


class KServe(msgspec.Struct, frozen=True, kw_only=True):
    """KServe's settings (ConfigMap inferenceservice-config), as far as a model-car meets them."""

    namespace: str = ""
    oci_mode: OciMode = OciMode.UNKNOWN
    deployment_mode: DeploymentMode = DeploymentMode.UNKNOWN
    headless: bool | None = None
    """Whether plain Deployments get Services without an address (`serviceClusterIPNone`); None where it says
    nothing."""

    @property
    def fetches(self) -> bool:
        """Whether images are copied into the pods' own storage."""
        return self.oci_mode is OciMode.FETCH


class LlmService(msgspec.Struct, frozen=True, kw_only=True):
    """An LLMInferenceService that is there."""

    name: str
    namespace: str
    ready: bool | None = None
    """None where its status says nothing."""
    why: str = ""
    """Why it is not ready, in its controller's words."""
    stopped: bool = False
    replicas: int = 1
    most_replicas: int | None = None
    """Where it is scaled by itself."""
    gpus: tuple[tuple[str, int], ...] = ()
    """Resource -> units that all its replicas ask for, prefill and workers included."""
    partial: bool = False
    """Whether a part leaves its amounts to a configuration that is not read: there may be more GPUs."""


class LlmServices(msgspec.Struct, frozen=True, kw_only=True):
    """The LLMInferenceServices that were found."""

    version: str = ""
    """API version that was asked (`v1alpha2`); empty where the cluster has none."""
    found: tuple[LlmService, ...] = ()
    everywhere: bool = False
    """Whether all namespaces could be looked at."""
    unknown: str = ""
    """Why they could not be read."""
