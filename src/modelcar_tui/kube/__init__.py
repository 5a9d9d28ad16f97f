"""The way to a cluster: kubeconfig, login, what the API server answers. Objects: `kube.objects`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.kube.addresses import AddressError, environment_proxy, may_carry_credentials
    from modelcar_tui.kube.client import Client
    from modelcar_tui.kube.connection import connect, connect_as
    from modelcar_tui.kube.credentials import Credentials
    from modelcar_tui.kube.decoding import Object
    from modelcar_tui.kube.documents import json_documents, looks_like_json, parse, read_bytes
    from modelcar_tui.kube.errors import LOGIN, ClusterError
    from modelcar_tui.kube.expiry import jwt_expiry
    from modelcar_tui.kube.flattened import Flattened, flatten, teach_lent
    from modelcar_tui.kube.kubeconfig import find_credentials, in_cluster, kubeconfig_paths
    from modelcar_tui.kube.patience import Doubt, delete_and_wait, patient
    from modelcar_tui.kube.quantity import mebibytes, thousandths, whole
    from modelcar_tui.kube.release import minor_version
    from modelcar_tui.kube.types import Access, ClusterOptions, Rung

__all__ = [
    "LOGIN",
    "Access",
    "AddressError",
    "Client",
    "ClusterError",
    "ClusterOptions",
    "Credentials",
    "Doubt",
    "Flattened",
    "Object",
    "Rung",
    "connect",
    "connect_as",
    "delete_and_wait",
    "environment_proxy",
    "find_credentials",
    "flatten",
    "in_cluster",
    "json_documents",
    "jwt_expiry",
    "kubeconfig_paths",
    "looks_like_json",
    "may_carry_credentials",
    "mebibytes",
    "minor_version",
    "parse",
    "patient",
    "read_bytes",
    "teach_lent",
    "thousandths",
    "whole",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "addresses": "AddressError environment_proxy may_carry_credentials",
            "client": "Client",
            "connection": "connect connect_as",
            "credentials": "Credentials",
            "decoding": "Object",
            "documents": "json_documents looks_like_json parse read_bytes",
            "errors": "ClusterError LOGIN",
            "expiry": "jwt_expiry",
            "flattened": "Flattened flatten teach_lent",
            "kubeconfig": "find_credentials in_cluster kubeconfig_paths",
            "patience": "Doubt delete_and_wait patient",
            "quantity": "mebibytes thousandths whole",
            "release": "minor_version",
            "types": "Access ClusterOptions Rung",
        },
    )
