"""Asking the suite's image what it is: its user, where the test lies, which options it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.qa.podman_cli import Podman, PodmanError
from modelcar_tui.qa.staging import entrypoint
from modelcar_tui.qa.suite import ASSUMED, Probe, probe_script, read_probe

LIMIT_S = 180.0
KEPT = 50


def default_cache() -> Path:
    """Where probes are remembered, by image id."""
    return platformdirs.user_cache_path("modelcar-tui") / "qa-probes.json"


async def probe(podman: Podman, image: dict[str, Any], cache: Path, *, network: str | None = None) -> Probe:
    """The probe of an image in the local store; one container of a few seconds, once an image.

    An image that can't be asked (no shell, `--help` fails) gives `ASSUMED`.

    Raises:
        PodmanError: podman itself can't run containers here.
    """
    image_id = str(image.get("Id", ""))
    known = _load(cache)
    if image_id in known:
        return known[image_id]
    _, own = entrypoint(image)
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
        *own,
        "--help",
        limit_s=LIMIT_S,
    )
    if result.status == 125:
        raise PodmanError(result)
    found = read_probe(result.out)
    if result.status or not found.probed:
        return msgspec.structs.replace(ASSUMED, uid=found.uid, gid=found.gid)
    _store(cache, dict([*known.items(), (image_id, found)][-KEPT:]))
    return found


def _load(cache: Path) -> dict[str, Probe]:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, Probe])
    except (OSError, msgspec.MsgspecError):
        return {}


def _store(cache: Path, probes: dict[str, Probe]) -> None:
    try:
        private_folder(cache.parent)
        write_private(cache, msgspec.json.encode(probes))
    except OSError:
        return
