"""Run folders: made private, locked while a run uses them, found again by their id."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.credentials import address_fault, login_in
from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import check_owner, fresh_folder, private_folder, sweep_remnants, write_private
from modelcar_tui.core.lock import try_lock
from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import has_hidden, reveal
from modelcar_tui.manifest import Keeping
from modelcar_tui.supervisor.llm import choose_model
from modelcar_tui.supervisor.settings import Settings

RUNS = "runs"
INFO = "info"
"""In a run's folder, and beside the folder of runs for commands without a run: what specialists wrote."""
JOURNAL = "journal.jsonl"
CHECKPOINT = "checkpoint.sqlite"
LOCK = "lock"
"""Held by the process that has the run open."""
SETTINGS = "settings.json"
MANIFEST = "modelcar.base.yaml"
"""In the folder of a run whose manifest a program gave; what is generated lies beside it."""
RECORDS = "written.jsonl"
"""Beside the folder of runs: what was written, by which run."""
REPLACED = "replaced"
"""In a run's folder, and beside the folder of runs for commands without a run: copies of what was
replaced."""


class RunFolder:
    """One run's folder, held by an exclusive lock until `release`."""

    def __init__(self, path: Path, settings: Settings, *, fix: str = "give another with --state-dir") -> None:
        self.path = path
        self.settings = settings
        self.run_id = path.name
        try:
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            what = f"can't be opened: {error.strerror}"
            raise UserError(Problem(where=str(path / LOCK), what=what, fix=fix)) from error
        if not try_lock(self._lock):
            os.close(self._lock)
            raise UserError(
                Problem(what=f"run {self.run_id} is open in another terminal", fix="close it there first")
            )

    @classmethod
    def create(cls, settings: Settings, *, manifest: bytes | None = None) -> RunFolder:
        """A new folder with a new run id.

        Args:
            settings: The run's.
            manifest: What the folder keeps as `MANIFEST`, and the run reads instead of the settings' own.

        Raises:
            UserError: it can't be made (read-only or full disk, another user's folder), or the manifest's
                name can't be kept.
        """
        if has_hidden(settings.manifest):
            raise _unkept(settings)
        path = settings.runs_folder
        try:
            _own(path.parent)
            path = fresh_folder(path, time.strftime("%Y%m%d-%H%M%S", time.gmtime()))
            if manifest is not None:
                write_private(path / MANIFEST, manifest)
                settings = msgspec.structs.replace(settings, manifest=str((path / MANIFEST).absolute()))
            write_private(
                path / SETTINGS, msgspec.json.format(msgspec.json.encode(_kept(settings)), indent=2)
            )
            private_folder(path / INFO)
        except UnicodeEncodeError:
            raise _unkept(settings) from None
        except OSError as error:
            raise UserError(
                Problem(
                    where=str(path),
                    what=f"can't make the run's folder: {error.strerror}",
                    fix="give another with --state-dir",
                )
            ) from error
        return cls(path, settings)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an earlier run, with the settings that it had.

        Raises:
            UserError: see `settings_to_resume`; or it is in use.
        """
        fix = "to go on it must be writable, with room; --replay shows the run as it is"
        run = cls(path, settings_to_resume(path), fix=fix)
        with suppress(OSError):  # whoever writes there says so
            private_folder(path / INFO)
        for folder in (path, path / INFO, path / "qa"):
            with suppress(OSError):
                sweep_remnants(folder)
        return run

    def release(self) -> None:
        """Let others open it."""
        os.close(self._lock)


def _unkept(settings: Settings) -> UserError:
    what = "a name that is no UTF-8, or has characters that can't be seen, can't be kept in a journal"
    return UserError(Problem(where=reveal(settings.manifest), what=what, fix="rename it"))


def journal_of(run: Path) -> Path:
    """The journal in a run's folder; a path of another kind is taken for the journal itself."""
    return run / JOURNAL if run.is_dir() else run


def settings_of_run(path: Path) -> Settings | None:
    """The settings that the run of a folder had; None where they can't be read."""
    try:
        return decode((path / SETTINGS).read_bytes(), Settings)
    except (OSError, msgspec.DecodeError):
        return None


def settings_to_resume(path: Path) -> Settings:
    """The settings of a run that is to go on.

    Raises:
        UserError: it is another user's, or no run's folder (`no-run`: its settings can't be read).
    """
    try:
        check_owner(path)
        check_owner(path / SETTINGS)
    except FileNotFoundError:
        pass  # said below
    except PermissionError as error:
        fix = "only its owner can go on with it"
        raise UserError(Problem(where=str(path), what=str(error.strerror), fix=fix)) from None
    settings = settings_of_run(path)
    if settings is None:
        what = "this is no run that can be resumed"
        raise UserError(Problem(where=str(path), what=what, fix="see `agent runs`", code="no-run"))
    return settings


def _own(state: Path) -> None:
    """The state folder private, unless it is a folder of the operator's that holds other things, too."""
    if not state.exists() or not any(state.iterdir()) or (state / RUNS).is_dir():
        check_owner(private_folder(state))


def run_keeping(folder: Path) -> Keeping:
    """Where the run of this folder keeps copies and records."""
    return Keeping(copies=folder / REPLACED, records=folder.parent.parent / RECORDS, run=folder.name)


def command_keeping(settings: Settings) -> Keeping:
    """Where a command without a run keeps them; its copies have their time in front of their names."""
    state = settings.runs_folder.parent
    stem = time.strftime("%Y%m%d-%H%M%S-", time.gmtime())
    return Keeping(copies=state / REPLACED, records=state / RECORDS, stem=stem)


def command_folder(settings: Settings) -> Path:
    """Where the specialist of a command without a run finds its `info/`: the state folder.

    One that can't be made is none the less named: whoever writes into it says so.
    """
    state = settings.runs_folder.parent
    with suppress(OSError):
        _own(state)
        private_folder(settings.runs_folder)  # by which the state folder is known as ours
        private_folder(state / INFO)
    return state


def _kept(settings: Settings) -> Settings:
    """The settings as they are stored: without an address, image or model's name that may hold a login or a
    key; each is told where it is used.

    A run that goes on without its model's name or address asks no other model in its place.
    """
    if _unusable_model(settings):
        settings = msgspec.structs.replace(settings, model=None, model_url=None, llm=False)
    image = settings.qa_image
    if image and without_address_secrets(image) != image:
        settings = msgspec.structs.replace(settings, qa_image=None)
    return settings


def _unusable_model(settings: Settings) -> bool:
    """Whether no model can be asked by these settings: an address with a login may have been meant."""
    url = settings.model_url
    if url and (address_fault(url) or login_in(url) or "?" in url or "#" in url):
        return True
    try:
        choose_model(settings.model, url)
    except UserError:
        return True
    return False
