"""CustomResourceDefinitions with structural schemas for OpenShift's and OpenShift AI's kinds.

Field names and types are those of the public API types (openshift/api, opendatahub-io/opendatahub-operator,
kserve/kserve); what our client never meets is left out, and the server drops whatever is not named here: so a
fixture with a misspelt or misplaced field fails to load. Templates are served by an aggregated API on
OpenShift; here they are a kind of their own with the same paths.
"""

from __future__ import annotations

from typing import Any

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

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
AMOUNT: Schema = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
ANY: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
STATE: Schema = {"type": "string", "pattern": "^(Managed|Unmanaged|Force|Removed)$"}


def one(required: tuple[str, ...] = (), /, **fields: Schema) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": fields, **({"required": list(required)} if required else {})}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


CONDITIONS = many(
    one(
        ("type", "status"),
        type=TEXT,
        status={"type": "string", "enum": ["True", "False", "Unknown"]},
        reason=TEXT,
        message=TEXT,
        lastTransitionTime={"type": "string", "format": "date-time"},
    )
)
RELEASE = one(name=TEXT, version=TEXT)
COMPONENT = one(managementState=STATE, releases=many(one(("name",), name=TEXT, version=TEXT, repoUrl=TEXT)))
CONTAINER = one(
    ("name",),
    name=TEXT,
    image=TEXT,
    command=many(TEXT),
    args=many(TEXT),
    env=many(one(("name",), name=TEXT, value=TEXT, valueFrom=ANY)),
    ports=many(one(("containerPort",), name=TEXT, containerPort=NUMBER, protocol=TEXT)),
    resources=one(limits=ANY, requests=ANY),
    volumeMounts=many(ANY),
)
PROVIDER_VALUE = ANY  # a RawExtension: every provider has its own
SHAPES: dict[Kind, Schema] = {
    DSCI: one(
        spec=one(
            applicationsNamespace={
                "type": "string",
                "default": "redhat-ods-applications",
                "maxLength": 63,
                "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$",
            },
            monitoring=one(managementState=STATE, namespace=TEXT),
            trustedCABundle=ANY,
            devFlags=ANY,
        ),
        status=one(phase=TEXT, conditions=CONDITIONS, release=RELEASE, errorMessage=TEXT),
    ),
    DSC: one(
        spec=one(components=one(kserve=COMPONENT, kueue=COMPONENT, dashboard=COMPONENT)),
        status=one(
            phase=TEXT,
            conditions=CONDITIONS,
            release=RELEASE,
            observedGeneration=NUMBER,
            components=one(kserve=COMPONENT, kueue=COMPONENT, dashboard=COMPONENT),
        ),
    ),
    TEMPLATES: one(
        objects=many(ANY),
        labels=TEXTS,
        message=TEXT,
        parameters=many(
            one(
                ("name",),
                name=TEXT,
                displayName=TEXT,
                description=TEXT,
                value=TEXT,
                generate=TEXT,
                required=FLAG,
                **{"from": TEXT},
            )
        ),
    ),
    RUNTIMES: one(
        spec=one(
            ("containers",),
            containers=many(CONTAINER),
            annotations=TEXTS,
            labels=TEXTS,
            multiModel=FLAG,
            disabled=FLAG,
            nodeSelector=TEXTS,
            tolerations=many(ANY),
            volumes=many(ANY),
            workerSpec=ANY,
            supportedModelFormats=many(
                one(("name",), name=TEXT, version=TEXT, autoSelect=FLAG, priority=NUMBER)
            ),
        ),
        status=ANY,
    ),
    SERVICES: one(spec=ANY, status=ANY),
    DASHBOARD: one(
        spec=one(
            dashboardConfig=ANY,
            templateOrder=many(TEXT),
            templateDisablement=many(TEXT),
            hardwareProfileOrder=many(TEXT),
        )
    ),
    PROFILES: one(
        ("spec",),
        spec=one(
            identifiers=many(
                one(
                    ("identifier", "displayName", "minCount", "defaultCount"),
                    identifier=TEXT,
                    displayName=TEXT,
                    minCount=AMOUNT,
                    maxCount=AMOUNT,
                    defaultCount=AMOUNT,
                    resourceType={"type": "string", "enum": ["CPU", "Memory", "Accelerator"]},
                )
            ),
            scheduling=one(
                ("type",),
                type={"type": "string", "enum": ["Queue", "Node"]},
                kueue=one(("localQueueName",), localQueueName=TEXT, priorityClass=TEXT),
                node=one(nodeSelector=TEXTS, tolerations=many(ANY)),
            ),
        ),
        status=one(),
    ),
    MACHINE_SETS: one(
        spec=one(
            replicas=NUMBER,
            selector=ANY,
            template=one(metadata=ANY, spec=one(metadata=ANY, providerSpec=one(value=PROVIDER_VALUE))),
        ),
        status=ANY,
    ),
    CLUSTER_VERSIONS: one(
        spec=one(("clusterID",), clusterID=TEXT, channel=TEXT),
        status=one(
            desired=one(("version",), version=TEXT, image=TEXT, channels=many(TEXT)),
            history=many(
                one(("state", "version"), state=TEXT, version=TEXT, completionTime=TEXT, image=TEXT)
            ),
        ),
    ),
    INFRASTRUCTURES: one(
        spec=ANY, status=one(platform=TEXT, platformStatus=one(type=TEXT, aws=ANY, gcp=ANY))
    ),
    LOCAL_QUEUES: one(
        spec=one(clusterQueue=TEXT, stopPolicy={"type": "string", "enum": ["None", "Hold", "HoldAndDrain"]}),
        status=one(pendingWorkloads=NUMBER, admittedWorkloads=NUMBER, conditions=CONDITIONS),
    ),
}
_NO_STATUS = (TEMPLATES, DASHBOARD)


def definition(kind: Kind, schema: Schema) -> dict[str, Any]:
    """The kind's CustomResourceDefinition (apiextensions.k8s.io/v1)."""
    name = f"{kind.plural}.{kind.group}"
    notes = {"api-approved.kubernetes.io": "unapproved, a test"} if kind.group.endswith("k8s.io") else {}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {} if kind in _NO_STATUS else {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "annotations": notes},
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


DEFINITIONS = {f"{kind.plural}.{kind.group}": definition(kind, schema) for kind, schema in SHAPES.items()}
