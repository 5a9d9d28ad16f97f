"""The run that `--resume` names. What is wrong with its kept settings is told field by field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor import SETTINGS, Settings, find_run, settings_of_run, settings_to_resume


def run_to_resume(name: str, settings: Settings) -> Path:
    """The folder of the run.

    Raises:
        UserError: there is no such run, it is another user's, or its settings can't be read.
    """
    folder = find_run(name, settings)
    try:
        settings_to_resume(folder)
    except UserError as error:
        raise _by_field(folder / SETTINGS, error) from None
    return folder


def servers_of(folder: Path) -> Callable[[Settings], Settings] | None:
    """What starts the servers of a demo's run again, where they were; None of any other run."""
    kept = settings_of_run(folder)
    if kept is None or not kept.demo:
        return None

    def prepare(settings: Settings) -> Settings:
        from modelcar_tui.demo import prepare_demo

        prepare_demo(kept)
        return settings

    return prepare


def _by_field(file: Path, error: UserError) -> UserError:
    """A problem a field where the file can be read; pydantic, which finds them, is loaded only then."""
    if error.problems[0].code != "no-run":
        return error
    try:
        data = file.read_bytes()
    except OSError:
        return error
    from modelcar_tui.schemas.settings import settings_problems

    found = settings_problems(data, str(file))
    return UserError(*found) if found else error
