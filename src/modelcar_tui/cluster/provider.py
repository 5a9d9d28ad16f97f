"""Which cloud or platform a node belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping

UNKNOWN = "unknown"
_SCHEMES = {
    "gce": "gcp",
    "baremetalhost": "baremetal",
    "metal3": "baremetal",
    "ibmvpc": "ibm",
    "ibmpowervs": "ibm",
}
_PLATFORMS = {"none": UNKNOWN, "": UNKNOWN, "external": UNKNOWN, "ibmcloud": "ibm", "powervs": "ibm"}
_AWS_TYPE = re.compile(
    r"[a-z]{1,4}\d{1,2}[a-z]*(?:-[a-z0-9]+)*\.(?:nano|micro|small|medium|large|(?:\d+)?x?large|metal(?:-\d+xl)?|\d+xlarge)"
)
_AZURE_TYPE = re.compile(r"(?:Standard|Basic)_[A-Z]\w+")
_GCP_TYPE = re.compile(
    r"(?:[acemnt]\d+[adx]?|g\d|m\d|ct\d\w*|h3|z3)-(?:standard|highmem|highcpu|highgpu|megagpu|ultragpu|edgegpu|hightpu|maxgpu|"
    r"micro|small|medium)(?:-\w+)*"
)
_IBM_TYPE = re.compile(r"[bcmgvuo]x\d?[a-z]?[-.]\d+x\d+[\w.]*")
_OCI_TYPE = re.compile(r"(?:VM|BM)\.[A-Z]\w*(?:\.[\w-]+)*")
_LABELS = (
    ("cloud.google.com/", "gcp"),
    ("kubernetes.azure.com/", "azure"),
    ("eks.amazonaws.com/", "aws"),
    ("karpenter.k8s.aws/", "aws"),
    ("ibm-cloud.kubernetes.io/", "ibm"),
)


def provider(labels: Mapping[str, str], provider_id: str | None, platform: str = "") -> str:
    """The provider, from the node's provider id, else the cluster's platform, else labels; else `unknown`.

    Args:
        labels: the node's labels.
        provider_id: `spec.providerID`.
        platform: `status.platformStatus.type` of OpenShift's Infrastructure, where it could be read.
    """
    scheme, mark, _ = (provider_id or "").partition("://")
    scheme = scheme.lower()
    if mark and re.fullmatch(r"[a-z][a-z0-9+.-]{1,30}", scheme):
        return _SCHEMES.get(scheme, scheme)
    named = _PLATFORMS.get(platform.lower(), platform.lower())
    if named != UNKNOWN:
        return named
    kind = (
        labels.get("node.kubernetes.io/instance-type") or labels.get("beta.kubernetes.io/instance-type") or ""
    )
    for pattern, cloud in (
        (_AWS_TYPE, "aws"),
        (_AZURE_TYPE, "azure"),
        (_IBM_TYPE, "ibm"),
        (_GCP_TYPE, "gcp"),
        (_OCI_TYPE, "oci"),
    ):
        if pattern.fullmatch(kind):
            return cloud
    return next((cloud for key in labels for prefix, cloud in _LABELS if key.startswith(prefix)), UNKNOWN)
