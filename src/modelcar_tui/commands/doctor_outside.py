"""What `agent doctor` asks others: the API server, podman and its like, each within its limit."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelcar_tui.commands.doctor_rows import Patient, Row, fault, install, missing, ok, warning
from modelcar_tui.core.config_file import typed, with_home
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.process import Finished, run_bounded
from modelcar_tui.kube import ClusterOptions, Rung

SERVER_S = 5.0
"""The longest that the API server is waited for."""
PROGRAM_S = 8.0
_MOST_OUTPUT = 1024**2
_SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
_FIRST_ID, _IDS = 100_000, 65_536
"""Where ids for users of containers begin, and how many a user is given (login.defs(5))."""
_PODMAN = (4, 3)
"""The first with `--userns=keep-id:uid=...`, which QA's container is given."""
_BY_RUNG = {Rung.UNREACHABLE: "check host and port: oc whoami --show-server; is the cluster up?"}


def cluster(patient: Patient) -> Iterator[Row]:
    """The login, whether the API server answers, who we are to it and what we may look at."""
    from modelcar_tui.kube import ClusterError, find_credentials

    instead = bool(patient.gpus or patient.value("inventory"))
    stops = 0 if instead else ExitStatus.CLUSTER
    options = ClusterOptions(
        kubeconfig=patient.value("kubeconfig"),
        context=patient.value("context"),
        namespace=patient.value("namespace"),
        connect_timeout_s=SERVER_S,
    )
    try:
        credentials = find_credentials(options)
    except ClusterError as error:
        problem = error.problem
        fix = problem.fix or "oc login, or state GPUs: --gpu PRODUCT:COUNT"
        told = f"{problem.where}: {problem.what}" if problem.where else problem.what
        yield (missing if problem.code == "no-kubeconfig" else fault)("kubeconfig", told, fix, stops=stops)
        return
    yield ok("kubeconfig", f"context {credentials.context or 'of the pod'}, {credentials.server}")
    if patient.offline:
        yield ok("API server", "not asked: --offline")
        return
    yield from _server(options, stops)


def _server(options: ClusterOptions, stops: int) -> Iterator[Row]:
    """What the API server says of itself and of us."""
    from modelcar_tui.cluster import find_access

    access = asyncio.run(find_access(options, SERVER_S))
    if not access.healthy:
        what, fix = str(access.rung), _BY_RUNG.get(access.rung, "oc login --web")
        if (problem := access.problem) is not None:
            what, fix = f"{what}: {problem.what}", problem.fix or fix
        yield fault("API server", what, fix, stops=stops)
        return
    via = f" by {access.via}" if access.via else ""
    yield ok("API server", f"answers{via}{f', Kubernetes {access.version}' if access.version else ''}")
    yield ok("who", access.user or "not told by the server")
    for lacking in access.missing:
        yield warning("rights", lacking.what, lacking.fix)
    if not access.missing:
        yield ok("rights", "nodes and pods can be listed")


def clients(_: Patient) -> Iterator[Row]:
    """Programs that are nice to have: none of them is needed to judge."""
    found = [name for name in ("oc", "kubectl") if shutil.which(name)]
    if found:
        yield ok("oc, kubectl", ", ".join(f"{name} at {shutil.which(name)}" for name in found))
    else:
        fix = install("openshift-clients", "kubernetes-client")
        yield missing(
            "oc, kubectl", "neither is there; only for the commands that we name, and to log in", fix
        )
    if shutil.which("skopeo") is None:
        yield missing("skopeo", "not there; our own client asks registries alone", install("skopeo"))
        return
    done = _ran("skopeo", "--version")
    yield (
        ok("skopeo", _first_line(done))
        if done.status == 0
        else warning("skopeo", f"does not run: {_why(done)}")
    )


def podman(patient: Patient) -> Iterator[Row]:
    """Whether QA's container can be run here, and whether its image is there already."""
    chosen = patient.settings.chosen
    if chosen["qa.enabled"].value is False:
        yield ok("podman", "not needed: qa.enabled is false")
        return
    if chosen["qa.engine"].value == "kubernetes":
        yield ok("podman", "not needed: QA runs in the cluster")
        return
    if shutil.which("podman") is None:
        yield missing(
            "podman",
            "not there; only for QA on this machine (--qa-engine kubernetes needs none)",
            install("podman"),
        )
        return
    done = _ran("podman", "info", "--format", "json")
    if done.status != 0 or (info := _told(done)) is None:
        yield fault("podman", f"does not run: {_why(done)}", "podman info; podman system migrate")
        return
    rootless = bool(_in(info, "host", "security", "rootless"))
    cgroups = str(_in(info, "host", "cgroupVersion") or "not told")
    version = _in(info, "version", "Version") or "version not told"
    told = f"{version}, {'rootless' if rootless else 'as root'}, cgroups {cgroups}"
    if (found := _two(str(version))) and found < _PODMAN:
        fix = f"{install('podman')}, from a newer release of the system; docs/podman.md"
        yield fault("podman", f"{told}; QA wants 4.3 or newer", fix)
    else:
        yield ok("podman", told)
    if rootless:
        yield from _ids(_in(info, "host", "idMappings", "uidmap"))
        if cgroups == "v1" and patient.value("qa.memory"):
            yield warning("cgroups", "v1: a rootless container has no memory limit", "leave qa.memory out")
    yield from _image(patient)


def _ids(maps: Any) -> Iterator[Row]:
    """Without subordinate ids a rootless container has one user, and most images don't run."""
    if isinstance(maps, list) and len(maps) > 1:
        yield ok("subuid", "there are ids for users of a container")
        return
    lacking = ", ".join(str(path) for path in _SUBORDINATE if not path.exists()) or "/etc/subuid"
    first = _free_ids()
    ids = f"{first}-{first + _IDS - 1}"
    fix = f"sudo usermod --add-subuids {ids} --add-subgids {ids} {_user()}; podman system migrate"
    yield fault("subuid", f"no ids for users of a container ({lacking})", fix)


def _free_ids() -> int:
    """The first id behind all that others have: a range of two users lets one into the other's containers."""
    free = _FIRST_ID
    for path in _SUBORDINATE:
        with suppress(OSError):
            for line in path.read_text("utf-8", errors="replace").splitlines():
                _, _, told = line.partition(":")
                first, _, many = told.partition(":")
                if first.isdecimal() and many.isdecimal():
                    free = max(free, int(first) + int(many))
    return free


def _two(version: str) -> tuple[int, int] | None:
    """The first two numbers of a version; None where it has none."""
    found = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return (int(found[1]), int(found[2])) if found else None


def _image(patient: Patient) -> Iterator[Row]:
    from modelcar_tui.qa import suite_image

    image = suite_image(None, patient.value("qa.image")).image
    done = _ran("podman", "image", "exists", image)
    if done.status == 0:
        yield ok("QA image", f"{image} is here")
    elif done.status == 1:
        yield missing("QA image", f"{image} is pulled at the first QA", f"podman pull {image}")
    else:
        yield warning("QA image", f"not known: {_why(done)}")


def registry(patient: Patient) -> Iterator[Row]:
    """Whether there are logins to registries: never what they are."""
    from modelcar_tui.image import ImageOptions, auth_files

    given = patient.value("registry.authfile")
    files = auth_files(ImageOptions(authfile=given))
    found = [path for path in files if path.is_file()]
    if not found:
        where = f"{with_home(given)} is not there" if given else "none; public images need none"
        yield missing("registry login", where, "podman login registry.redhat.io")
    for path in found[:1]:
        yield _auth_file(path)
    yield _pull_secret(patient)


def _auth_file(path: Path) -> Row:
    shown = with_home(str(path))
    try:
        from modelcar_tui.core.files import open_regular

        with os.fdopen(open_regular(path), "rb") as file:
            tree = json.loads(file.read(_MOST_OUTPUT))
            mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError, RecursionError):
        return fault(
            "registry login", f"{shown} can't be read as an auth file", "podman login registry.redhat.io"
        )
    logins = tree.get("auths") if isinstance(tree, dict) else None
    helpers = isinstance(tree, dict) and (tree.get("credHelpers") or tree.get("credsStore"))
    if not logins and not helpers:
        return missing("registry login", f"{shown} has no login in it", "podman login registry.redhat.io")
    if mode & 0o077:
        return warning("registry login", f"{shown} can be read by others", f"chmod 600 {typed(str(path))}")
    return ok("registry login", shown)


def _pull_secret(patient: Patient) -> Row:
    from modelcar_tui.core.pull_secret import VARIABLE, parse
    from modelcar_tui.core.secrets import Secret

    if not (told := patient.environ.get(VARIABLE, "").strip()):
        fix = f"export {VARIABLE}=... (base64 of user:password, or an auth file's text)"
        return missing("pull secret", f"{VARIABLE} is not set; only for QA and private images", fix)
    try:
        parse(Secret(told)).checked()
    except UserError as error:
        return fault("pull secret", f"{VARIABLE}: {error.problems[0].what}", error.problems[0].fix)
    return ok("pull secret", f"{VARIABLE} is set")


def _ran(*argv: str) -> Finished:
    """A program within its limit; one that can't be started is told as its end."""
    try:
        return asyncio.run(run_bounded(list(argv), timeout_s=PROGRAM_S, limit=_MOST_OUTPUT))
    except OSError as error:
        return Finished(status=127, stdout=b"", stderr=(error.strerror or "can't be started").encode())


def _why(done: Finished) -> str:
    if done.timed_out:
        return f"no answer within {PROGRAM_S:g} s"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"status {done.status}"


def _first_line(done: Finished) -> str:
    return (done.stdout.decode(errors="replace").strip().splitlines() or ["version not told"])[0]


def _told(done: Finished) -> dict[str, Any] | None:
    try:
        told = json.loads(done.stdout)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _in(tree: Any, *path: str) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "$USER"
