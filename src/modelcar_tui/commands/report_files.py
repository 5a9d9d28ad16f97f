"""`--report FILE`: looked at before the run, written at its end; what another hand wrote stays.

Nothing is imported here before a report is asked for: the first frame does not wait for it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelcar_tui.commands.guard import complain

if TYPE_CHECKING:
    from modelcar_tui.manifest import Keeping, Standing
    from modelcar_tui.supervisor import RunState, Settings

_OTHER = "name another file"


class Reports:
    """The files that one run's report goes to; none of most runs."""

    def __init__(self, files: Sequence[Path], settings: Callable[[], Settings], manifest: str = "") -> None:
        """
        Args:
            files: Each with an ending that stands for a form.
            settings: Where copies are kept, and whether others' files may go; asked only where there are
                files.
            manifest: What the run reads, which no report replaces, not by `force` either.

        Raises:
            UserError: one is named twice, its folder is missing or can't be written, or what stands there
                may not be replaced.
        """
        self._files = tuple(files)
        self._settings = settings
        seen: set[str] = set()
        for path in self._files:
            if (place := os.path.realpath(path.parent / "_")[:-1] + path.name) in seen:
                from modelcar_tui.core.errors import Problem, UserError
                from modelcar_tui.core.text import reveal

                twice = Problem(where=reveal(str(path)), what="is named twice", fix="name each file once")
                raise UserError(twice)
            seen.add(place)
            if manifest and place == os.path.realpath(manifest):
                from modelcar_tui.core.errors import Problem, UserError
                from modelcar_tui.core.text import reveal

                raise UserError(Problem(where=reveal(str(path)), what="is the manifest itself", fix=_OTHER))
            check_report(path, _form(path), settings())

    def write(self, state: RunState) -> None:
        """Write them all. What can't be written costs a line on stderr and nothing else.

        A run that has not begun leaves none.
        """
        if self._files and not state.run_id:
            complain("no report: the run did not begin")
            return
        # A terminal that is gone must not keep the second file from being written.
        for line in [_said(path, state, self._settings()) for path in self._files]:
            complain(line)

    @contextmanager
    def written_after(self, state: Callable[[], RunState | None]) -> Iterator[None]:
        """Write them when the block ends, however it does; nothing of a run that has not begun."""
        try:
            yield
        finally:
            if self._files and (found := state()) is not None:
                self.write(found)


def reports_of(args: argparse.Namespace) -> Reports:
    """The files that `--report` names.

    Raises:
        UserError: as `Reports`.
    """

    def settings() -> Settings:
        from modelcar_tui.supervisor import Settings

        place = getattr(args, "state_dir", None)
        return Settings(manifest="", state_dir=place, force=bool(getattr(args, "force", None)))

    manifest = getattr(args, "manifest", None) or getattr(args, "config", None) or ""
    return Reports([Path(name) for name in getattr(args, "reports", ())], settings, manifest)


def check_report(path: Path, form: str, settings: Settings) -> None:
    """Refuse a place before anything is done.

    Raises:
        UserError: there is no such folder, it can't be written, something is in the way, or what stands there
            is no report of ours and not `settings.force`.
    """
    from modelcar_tui.core.folders import check_folder

    check_folder(path, _OTHER)
    _asked(_standing(path, _keeping(settings)), form, settings)


def put_report(path: Path, data: bytes, form: str, settings: Settings) -> str:
    """Write a report, whole or not at all; the line that says where it is.

    A link is never followed. The mode is the umask's, or that of the report that is replaced.

    Raises:
        UserError: as `check_report`, it changed meanwhile, or it can't be written.
    """
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.core.files import write_atomic
    from modelcar_tui.core.text import reveal
    from modelcar_tui.manifest import ChangedError

    keeping, where, said = _keeping(settings), reveal(str(path)), ""

    def last_look() -> None:
        if _standing(path, keeping).identity != standing.identity:
            raise ChangedError

    try:
        standing = _standing(path, keeping)
        if _asked(standing, form, settings):
            said = f"; {keeping.keep(standing)}"
        write_atomic(path, data, new=standing.kind == "nothing", last_look=last_look)
    except (ChangedError, FileExistsError):
        fix = "look at it, then try again"
        raise UserError(Problem(where=where, what="it changed just now", fix=fix)) from None
    except OSError as error:
        what = f"the report can't be written ({error.strerror or type(error).__name__})"
        raise UserError(Problem(where=where, what=what, fix=_OTHER)) from None
    return f"report: {where}{said}"


def _said(path: Path, state: RunState, settings: Settings) -> str:
    """The line about one file of a run that ends."""
    from modelcar_tui.core.crash import kind
    from modelcar_tui.core.errors import UserError
    from modelcar_tui.report import render
    from modelcar_tui.supervisor import named

    later = f"; make it later: agent report {named(state)} -o FILE" if state.run_id else ""
    try:
        return put_report(path, render(state, _form(path)), _form(path), settings)
    except UserError as error:
        return f"no report: {error}{later}"
    except Exception as error:  # noqa: BLE001 - the run's own end and status stand, whatever becomes of it
        return f"no report: {path}: a fault of ours ({kind(error)}){later}"


def _form(path: Path) -> str:
    from modelcar_tui.report import form_of

    return form_of(path.name)


def _keeping(settings: Settings) -> Keeping:
    from modelcar_tui.supervisor import command_keeping

    return command_keeping(settings)


def _standing(path: Path, keeping: Keeping) -> Standing:
    return keeping.look(path, b"")


def _asked(standing: Standing, form: str, settings: Settings) -> bool:
    """Whether a copy must be kept before it is replaced.

    Raises:
        UserError: it may not be replaced.
    """
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.core.text import reveal
    from modelcar_tui.manifest import not_asked

    if standing.obstacle:
        raise UserError(Problem(where=reveal(standing.path), what=standing.obstacle, fix=_OTHER))
    ours = standing.kind == "file" and not standing.read_only and _ours(standing, form)
    # A link to an empty file asks nothing by itself, and /dev/stdout may be one.
    if not standing.link and (not standing.asks or ours):
        return False
    if not settings.force:
        raise UserError(not_asked(standing, what="is no report of ours"))
    return True


def _ours(standing: Standing, form: str) -> bool:
    """Whether the file that stands there says that we made it."""
    from modelcar_tui.core.files import open_regular
    from modelcar_tui.report import MOST, is_report

    try:
        with os.fdopen(open_regular(Path(standing.path)), "rb") as file:
            head = file.read(MOST)
            file.seek(max(0, standing.size - MOST))
            return not standing.size or is_report(head, file.read(MOST), form)
    except OSError:
        return False
