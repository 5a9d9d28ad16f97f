"""Whether the nodes may pull the manifest's images: which registries the namespace's pull secrets cover.

Of a secret only the names of its registries are kept; its logins are dropped where they are decoded. Matching
follows the kubelet's keyring (Kubernetes, pkg/credentialprovider/keyring.go): the host with its port, `*`
within a part of it, and the repository by its beginning.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import msgspec

from modelcar_tui.cluster.types import Check, PullSecrets, State
from modelcar_tui.core.counting import several
from modelcar_tui.core.decode import decode
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError

ACCOUNT = "default"
"""The service account that KServe's pods run as where the InferenceService names none."""
_GLOBAL = "openshift-config"
_CODE = "pull-secret"
_HERE = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?")
_DOCKER = ("docker.io", "index.docker.io", "registry-1.docker.io")
_MOST = 20


class _Named(msgspec.Struct, frozen=True):
    name: str = ""


class _Account(msgspec.Struct, frozen=True, rename="camel"):
    image_pull_secrets: list[_Named] | None = None


class _Secret(msgspec.Struct, frozen=True):
    """Never printed, logged or kept: `registries` is all that leaves it."""

    data: dict[str, str] | None = None

    def __repr__(self) -> str:
        return "_Secret(...)"


class _DockerConfig(msgspec.Struct, frozen=True):
    auths: dict[str, msgspec.Raw] | None = None


async def find_pull_secrets(client: Client, namespace: str, *, openshift: bool) -> PullSecrets:
    """The registries that pods of a namespace can log in to; what may not be read is told, and never fails.

    Args:
        client: of the cluster.
        namespace: where models are to be served.
        openshift: whether the cluster may have OpenShift's global pull secret, which every node uses.
    """
    unknown: list[str] = []
    missing: list[str] = []
    names: list[str] = []
    try:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}"
        account = await client.get(path, _Account)
        names = list(dict.fromkeys(one.name for one in account.image_pull_secrets or () if one.name))[:_MOST]
    except ClusterError as error:
        unknown.append(f"the service account {ACCOUNT} of {namespace} can't be read ({error.problem.what})")
    wanted = [(namespace, name) for name in names] + ([(_GLOBAL, "pull-secret")] if openshift else [])
    found = await asyncio.gather(*(_registries(client, place, name) for place, name in wanted))
    hosts: list[str] = []
    for (place, name), answer in zip(wanted, found, strict=True):
        if isinstance(answer, list):
            hosts += answer
        elif answer.missing:
            missing += [name] if place == namespace else []
        else:
            whose = "the cluster's global pull secret" if place == _GLOBAL else f"the pull secret {name}"
            unknown.append(f"{whose} can't be read ({answer.problem.what})")
    return PullSecrets(
        namespace=clean(namespace, limit=63),
        registries=tuple(dict.fromkeys(hosts)),
        missing=tuple(clean(name, limit=253) for name in missing),
        unknown=tuple(clean(one) for one in unknown),
    )


async def _registries(client: Client, namespace: str, name: str) -> list[str] | ClusterError:
    try:
        secret = await client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}", _Secret)
    except ClusterError as error:
        return error
    return registries(secret.data or {})


def registries(data: dict[str, str]) -> list[str]:
    """Registries (`quay.io`, `quay.io/team`) in a Secret of type dockerconfigjson, or of the older
    dockercfg."""
    try:
        if text := data.get(".dockerconfigjson"):
            found = decode(base64.b64decode(text), _DockerConfig).auths or {}
        else:
            text = data.get(".dockercfg", "")
            found = decode(base64.b64decode(text) or b"{}", dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        return []
    return [name for key in found if (name := _plain(key))]


def _plain(key: str) -> str:
    """A key of an auth file without scheme and API version."""
    bare = re.sub(r"^https?://", "", clean(key, limit=300)).rstrip("/")
    return re.sub(r"/v[12]$", "", bare)


def covers(registry: str, host: str, repository: str) -> bool:
    """Whether a login for `registry` is used for an image."""
    where, _, path = registry.partition("/")
    if where in _DOCKER and host in _DOCKER:
        where = host
    name, _, port = where.partition(":")
    wanted, _, other = host.partition(":")
    parts, given = name.split("."), wanted.split(".")
    if port != other or len(parts) != len(given):
        return False
    if not all(fnmatchcase(part, pattern) for part, pattern in zip(given, parts, strict=True)):
        return False
    return repository.startswith(path)


def check_pull(images: Sequence[tuple[str, str]], pull: PullSecrets | None) -> tuple[Check, ...]:
    """One check a registry of the manifest.

    Args:
        images: host and repository of each image.
        pull: None where no cluster was asked; nothing is said then.
    """
    if pull is None:
        return ()
    checks = [_named_but_gone(name, pull.namespace) for name in pull.missing]
    hosts: dict[str, list[str]] = {}
    for host, repository in images:
        if not _HERE.fullmatch(host):
            hosts.setdefault(host, []).append(repository)
    for host, repositories in hosts.items():
        without = [one for one in repositories if not _covered(host, one, pull.registries)]
        checks.append(_check(host, len(repositories), without, pull))
    return tuple(checks)


def _covered(host: str, repository: str, known: Iterable[str]) -> bool:
    return any(covers(registry, host, repository) for registry in known)


def _check(host: str, count: int, without: list[str], pull: PullSecrets) -> Check:
    images = several(count, "image")
    if not without:
        what = f"pods in {pull.namespace} can log in to {host} ({images})"
        return Check(code=_CODE, state=State.OK, what=what)
    some = images if len(without) == count else f"{len(without)} of {images}"
    fix = (
        f"oc create secret docker-registry NAME --docker-server={host} ... -n {pull.namespace}; "
        f"oc secrets link {ACCOUNT} NAME --for=pull -n {pull.namespace}"
    )
    if pull.unknown:
        what = f"whether pods in {pull.namespace} can log in to {host} ({some}) is unknown: {pull.unknown[0]}"
        return Check(code=_CODE, state=State.UNKNOWN, what=what, fix=f"unless it is public: {fix}")
    what = f"no pull secret in {pull.namespace} covers {host} ({some}): only a public image can be pulled"
    return Check(code=_CODE, state=State.WARNING, what=what, fix=f"unless it is public: {fix}")


def _named_but_gone(name: str, namespace: str) -> Check:
    what = f"the service account {ACCOUNT} of {namespace} names the pull secret {name}, which is not there"
    fix = f"oc create secret docker-registry {name} ... -n {namespace}"
    return Check(code=_CODE, state=State.WARNING, what=what, fix=fix)
