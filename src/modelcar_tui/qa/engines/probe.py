"""Asking the suite's image what it is, once an image id: by podman, in a container that starts no pytest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from modelcar_tui.core.decode import decode
from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.qa.engines.podman_cli import Podman, PodmanError
from modelcar_tui.qa.suite_probe import FORMAT, Probe, assumed, probe_script, read_probe

LIMIT_S = 180.0
KEPT = 50


def default_cache() -> Path:
    """Where probes are remembered, by image id."""
    return platformdirs.user_cache_path("modelcar-tui") / "qa-probes.json"


class _Cache(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    probes: dict[str, Probe]
    """By image id."""


async def probe(
    podman: Podman, image: dict[str, Any], cache: Path, *, name: str = "", network: str | None = None
) -> Probe:
    """The probe of an image in the local store; one container of a second or two, once an image.

    An image that can't be asked (no shell, sources that can't be read) gives what its name is known to hold.

    Args:
        name: The image as the operator knows it.

    Raises:
        PodmanError: podman itself can't run containers here.
    """
    image_id = str(image.get("Id", ""))
    known = _load(cache)
    if image_id in known:
        return known[image_id]
    shell = json.dumps(["/bin/sh", "-c", probe_script(), "sh"])
    net = [f"--network={network}"] if network else []
    result = await podman(
        "run",
        "--rm",
        "--pull=never",
        "--log-driver=none",
        *net,
        f"--entrypoint={shell}",
        image_id,
        limit_s=LIMIT_S,
    )
    if result.status == 125:
        raise PodmanError(result)
    found = read_probe(result.out, name)
    if result.status or not found.probed:
        return msgspec.structs.replace(assumed(name), uid=found.uid, gid=found.gid)
    _store(cache, dict([*known.items(), (image_id, found)][-KEPT:]))
    return found


def _load(cache: Path) -> dict[str, Probe]:
    """What is remembered; nothing of a file that another release has written."""
    try:
        kept = decode(cache.read_bytes(), _Cache)
    except (OSError, msgspec.MsgspecError):
        return {}
    return kept.probes if kept.format == FORMAT else {}


def _store(cache: Path, probes: dict[str, Probe]) -> None:
    try:
        private_folder(cache.parent)
        write_private(cache, msgspec.json.encode(_Cache(format=FORMAT, probes=probes)))
    except OSError:
        return
