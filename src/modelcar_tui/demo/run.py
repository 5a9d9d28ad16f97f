"""`--demo`: a complete run on a machine with nothing installed and no network."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core import resources
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import fresh_folder
from modelcar_tui.supervisor import Approve, Settings

SAMPLE = "sample_modelcar_config.base.yaml"
RECORDING = "success.log"
_servers: list[Any] = []
"""Kept alive until the process ends."""


def demo_settings(manifest: str | None = None, *, approve: Approve = Approve.ASK, **fields: Any) -> Settings:
    """Settings of a demo run over `manifest`, or over a copy of the sample (samples are never written
    beside).

    Raises:
        UserError: the state folder can't be written, or a file of the operator's own would be written over.
    """
    settings = Settings(manifest=manifest or "", demo=True, approve=approve, **fields)
    _refuse_own_files(settings)
    folder = settings.runs_folder.parent / "demo"
    try:
        folder = fresh_folder(folder, time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
        if manifest is None:
            manifest = str(folder / SAMPLE)
            shutil.copyfile(resources.samples() / SAMPLE, manifest)
    except OSError as error:
        raise UserError(
            Problem(
                where=str(folder), what=f"can't be written: {error.strerror}", fix="give another --state-dir"
            )
        ) from error
    return msgspec.structs.replace(
        settings,
        manifest=manifest,
        kubeconfig=str(folder / "kubeconfig"),
        registries_conf=str(folder / "registries.conf"),
        qa_recording=settings.qa_recording or str(resources.demo_logs() / RECORDING),
    )


def _refuse_own_files(settings: Settings) -> None:
    """The demo writes its own kubeconfig and registries.conf: never where the operator keeps theirs."""
    given = {"--kubeconfig": settings.kubeconfig, "--registries-conf": settings.registries_conf}
    for option, value in given.items():
        if value is not None:
            what = "the demo brings a cluster and a registry of its own"
            raise UserError(Problem(where=option, what=what, fix=f"leave out {option}, or --demo"))


def prepare_demo(settings: Settings) -> Settings:
    """Start the loopback servers; a resumed demo gets its servers again, at the paths that it knows.

    Raises:
        UserError: the demo's folder is not there any more.
    """
    from modelcar_tui.demo.kube import start_stub_cluster
    from modelcar_tui.demo.registry import start_demo_registry

    if not settings.demo or settings.kubeconfig is None or settings.registries_conf is None:
        return settings
    if not (folder := Path(settings.kubeconfig).parent).is_dir():
        what = "the folder of this demo is not there any more"
        raise UserError(Problem(where=str(folder), what=what, fix="start a new one: --demo"))
    try:
        cluster = start_stub_cluster(folder=folder)
        registry = start_demo_registry()
        shutil.copyfile(registry.registries_conf_path, settings.registries_conf)
    except OSError as error:
        what = f"can't be written: {error.strerror}"
        raise UserError(Problem(where=str(folder), what=what, fix="start a new one: --demo")) from error
    _servers.extend((cluster, registry))
    return settings
