"""What the operator said when the server was started; no client can change it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.mcp.allowed import Allowed
from modelcar_tui.supervisor import Settings, find_run, journal_of

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")
MOST_JOURNAL = 64 * 1024 * 1024
"""Bytes of a journal that is read."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Where answers are looked for."""

    roots: tuple[str, ...] = (".",)
    state_dir: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    authfile: str | None = None
    registries_conf: str | None = None
    offline: bool = False
    """No registry and no cluster is asked, whatever a client wants."""

    @property
    def allowed(self) -> Allowed:
        """The files that a client may have read."""
        return Allowed([Path(root) for root in self.roots])

    def journal(self, run: str) -> Path:
        """The journal of a run, by its id, the start of one, or `last`; never by a path.

        Raises:
            UserError: there is no such run, or its journal is no file of the runs' folder, or too long.
        """
        settings = Settings(manifest="", state_dir=self.state_dir)
        shown = clean(run, limit=100)
        if not _ID.fullmatch(run):
            raise UserError(Problem(where=shown, what="is no id of a run", fix="list_runs tells them"))
        place = settings.runs_folder
        folder = find_run(run, settings)
        if folder.parent != place:  # a folder of that name in the working directory
            folder = place / run
        journal = journal_of(folder)
        try:
            inside = journal.resolve(strict=True).is_relative_to(place.resolve(strict=True))
            size = journal.stat().st_size
        except (OSError, RuntimeError):
            inside, size = False, 0
        if not inside or not journal.is_file():
            raise UserError(Problem(where=shown, what="has no journal here", fix="list_runs tells the runs"))
        if size > MOST_JOURNAL:
            what = f"its journal is larger than {MOST_JOURNAL // 1024**2} MiB"
            raise UserError(Problem(where=shown, what=what, fix=f"agent --replay {shown}"))
        return journal

    def may_ask(self, what: str) -> None:
        """Refuse what needs a network where the operator wants none.

        Raises:
            UserError: the server was started with `--offline`.
        """
        if self.offline:
            why = f"{what} is not asked: the server was started with --offline"
            raise UserError(
                Problem(what=why, fix="give a config.json, a public model's name, or stated GPUs")
            )
