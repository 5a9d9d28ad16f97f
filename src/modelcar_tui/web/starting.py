"""A run's process: its words, its environment, what it is handed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core import resources
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.files import fresh_folder, write_private
from modelcar_tui.core.secrets import VARIABLES, Secret
from modelcar_tui.supervisor import Settings, find_run, settings_to_resume
from modelcar_tui.web.checks import RefusedError
from modelcar_tui.web.offer import Offer
from modelcar_tui.web.order import Order
from modelcar_tui.web.terminal import Terminal

_SAMPLE = "sample_modelcar_config.base.yaml"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_OTHER_TERMINAL = {
    *("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "TMUX", "TMUX_PANE", "STY", "COLUMNS", "LINES"),
    *("TERM_PROGRAM", "TERM_PROGRAM_VERSION", "WINDOWID", "VTE_VERSION"),
}
"""What tells of the terminal in which the server was started."""


def kept_manifest(order: Order, offer: Offer) -> Path:
    """The uploaded manifest in a new private folder; of a demo without one a copy of the sample.

    Raises:
        RefusedError: there is none, or it can't be kept.
    """
    sample = (offer.demo or order.demo) and not order.name
    if not order.name and not sample:
        raise RefusedError(400, "no manifest was chosen: choose a file, or tick the demo")
    try:
        data = (resources.samples() / _SAMPLE).read_bytes() if sample else order.manifest
        folder = fresh_folder(offer.folder, time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
        path = folder / (_SAMPLE if sample else order.name)
        try:
            write_private(path, data)
        except OSError:
            drop_manifest(path)
            raise
    except OSError as error:
        raise RefusedError(507, f"the manifest can't be kept: {error.strerror}; see --state-dir") from error
    return path


def drop_manifest(path: Path) -> None:
    """Take back what `kept_manifest` kept, for a run that never began. A folder goes only empty."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def words_of(order: Order, manifest: Path, offer: Offer) -> tuple[str, ...]:
    """The arguments of a run of `order`."""
    words = [*offer.arguments]
    if order.demo and not offer.demo:
        words.append("--demo")
    if offer.qa and not order.qa:
        words.append("--no-qa")
    # One word each: what begins with a dash stays a value.
    return (*words, *(f"--gpu={gpu}" for gpu in order.gpus), str(manifest))


def earlier_run(name: str, offer: Offer) -> tuple[Path, Settings]:
    """The folder of a run that is to go on, and what it was asked to do.

    Args:
        name: its id, the start of one, or `last`.
        offer: where runs are kept.

    Raises:
        RefusedError: there is no such run, or it can't go on.
    """
    if not _ID.fullmatch(name):
        raise RefusedError(400, "give a run's id as `agent runs` lists it, the start of one, or last")
    try:
        folder = find_run(name, Settings(manifest="", state_dir=str(offer.runs.parent)))
        if folder.parent != offer.runs:  # a folder of that name, where the server was started
            raise RefusedError(404, f"there is no run {name}; see `agent runs`")
        return folder, settings_to_resume(folder)
    except UserError as error:
        raise RefusedError(404, str(error.problems[0])) from error


async def started(words: tuple[str, ...], offer: Offer, own: Mapping[str, Secret]) -> Terminal:
    """A run on a terminal of its own.

    Args:
        words: its arguments.
        offer: with the secrets of the server's own environment.
        own: the visitor's secrets, which take their place; empty ones don't.

    Raises:
        RefusedError: there is no process or terminal left.
    """
    handed = {**offer.handed, **{name: secret for name, secret in own.items() if secret}}
    try:
        return await Terminal.start(offer.program, words, _environment(os.environ), handed)
    except OSError as error:
        raise RefusedError(
            503, f"the run can't be started: {error.strerror}; end another, then try again"
        ) from error


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Of a run: no secret, and a browser's terminal."""
    hidden = {*VARIABLES, *_OTHER_TERMINAL}
    kept = {name: value for name, value in environ.items() if name not in hidden}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
