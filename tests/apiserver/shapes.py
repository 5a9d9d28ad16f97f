"""CustomResourceDefinitions of OpenShift's and OpenShift AI's kinds, with the schemas of their own releases.

The server drops whatever a schema does not name, so a fixture with a misspelt field fails to load.
Templates are served by an aggregated API on OpenShift; here they are a kind of their own with the same paths.
"""

from __future__ import annotations

from typing import Any

from crd_support import kind_file, schemas

from modelcar_tui.demo.kube_objects import (
    CLUSTER_VERSIONS,
    DASHBOARD,
    DSC,
    DSCI,
    INFRASTRUCTURES,
    LOCAL_QUEUES,
    MACHINE_SETS,
    PROFILES,
    RUNTIMES,
    SERVICES,
    TEMPLATES,
)
from modelcar_tui.demo.kube_store import Kind

_OF_THE_DEMO = "OpenShift AI 3.4"
_MERGING = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
"""How lists are merged is no part of a shape, and is held to more rules than an old server's own."""


def shape(kind: Kind) -> dict[str, Any]:
    """The schema of the demo's release, else of the newest."""
    found = dict(schemas(_name(kind), kind.version))
    made: dict[str, Any] = _without_merging(found.get(_OF_THE_DEMO) or [*found.values()][-1])
    return made


def _without_merging(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_merging(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_merging(value) for key, value in schema.items() if key not in _MERGING}


def definition(kind: Kind) -> dict[str, Any]:
    """The kind's CustomResourceDefinition (apiextensions.k8s.io/v1)."""
    notes = {"api-approved.kubernetes.io": "unapproved, a test"} if kind.group.endswith("k8s.io") else {}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": shape(kind)},
        "subresources": {"status": {}} if "status" in kind_file(_name(kind))["subresources"] else {},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": _name(kind), "annotations": notes},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
            "names": {
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "shortNames": list(kind.short),
            },
        },
    }


def _name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


_KINDS = (
    CLUSTER_VERSIONS,
    DASHBOARD,
    DSC,
    DSCI,
    INFRASTRUCTURES,
    LOCAL_QUEUES,
    MACHINE_SETS,
    PROFILES,
    RUNTIMES,
    SERVICES,
    TEMPLATES,
)
DEFINITIONS = {_name(kind): definition(kind) for kind in _KINDS}
