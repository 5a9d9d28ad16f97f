"""The screen as it stands, as a picture and as a file that is nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App

from modelcar_tui.core.files import check_owner, private_folder, write_atomic
from modelcar_tui.tui.painted import strips_of
from modelcar_tui.tui.picture import Ground, picture
from modelcar_tui.tui.rows import crop_middle
from modelcar_tui.tui.themes import PALETTES, Palette

MOST = 1000
"""Pictures that one folder takes."""


def svg_of(app: App[Any], palette: Palette, title: str = "") -> str:
    """An SVG of the screen that is shown, in its theme and signs; nothing is in it that the screen hides."""
    named = title or f"modelcar-tui: {getattr(app.screen, 'TITLE', '') or 'dashboard'}"
    return picture([*strips_of(app)], app.size.width, _ground(app, palette), named)


def keep(app: App[Any], palette: Palette, folder: Path | None, tell: Callable[[str], None]) -> None:
    """Write a picture of the screen into a folder, and say in the footer where it is, or why not."""
    if folder is None:
        tell("no picture: there is no folder of a run yet")
        return
    data = svg_of(app, palette).encode()

    def work() -> None:
        # In a thread: a disk may take its time.
        try:
            path = write_new(folder, data)
            text = f"{path.name} saved, in {crop_middle(str(path.parent), 40)}"
        except OSError as error:
            text = f"no picture saved in {crop_middle(str(folder), 40)}: {error.strerror or error}"
        app.call_from_thread(tell, text)

    app.run_worker(work, thread=True, group="picture", exit_on_error=False)


def write_new(folder: Path, data: bytes) -> Path:
    """Write `picture-N.svg` with the first free number, for the operator alone (0600); its path.

    Raises:
        OSError: the folder is another user's, or it can't be written.
    """
    check_owner(folder if folder.exists() else private_folder(folder))
    for number in range(1, MOST + 1):
        path = folder / f"picture-{number}.svg"
        if path.exists() or path.is_symlink():
            continue
        try:
            write_atomic(path, data, mode=0o600, new=True)
        except FileExistsError:
            continue  # another picture has come there just now
        return path
    raise FileExistsError(17, f"{MOST} pictures are there; move some away", str(folder))


def _ground(app: App[Any], palette: Palette) -> Ground:
    """The colours of a theme; where it takes the terminal's, those of the dark one."""
    plain = PALETTES["dark"] if palette.ansi else palette
    return Ground(plain.roles["text"], plain.background, app.ansi_theme)
