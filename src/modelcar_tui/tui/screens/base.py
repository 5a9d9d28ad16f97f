"""What all screens share: header and footer, updates from the state, deaf keys at appearance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self, cast

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingsMap, BindingType
from textual.dom import DOMNode
from textual.geometry import Region
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget

from modelcar_tui.core import resources
from modelcar_tui.core.counting import several
from modelcar_tui.tui.board import Opening
from modelcar_tui.tui.driver import forget_typed
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.banner import asked_parts
from modelcar_tui.tui.keys import bind, moved_bindings
from modelcar_tui.tui.messages import Said
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, row
from modelcar_tui.tui.view import View
from modelcar_tui.tui.widgets.panels import Footer, HeaderBar

Keys = list[tuple[str, str]]
SHORT_BELOW = 16
"""Rows below which a screen gives each of its parts the least that is of use (class `-short`)."""


def style(name: str) -> str:
    """Path of a screen's style file."""
    return str(resources.styles() / f"{name}.tcss")


_MOVES = {
    "down": "j,down",
    "up": "k,up",
    "pagedown": "pagedown",
    "pageup": "pageup",
    "home": "home",
    "end": "end",
    "left": "left",
    "right": "right",
}


def move_bindings(*names: str) -> list[BindingType]:
    """Bindings of the movement keys to `move('name')`."""
    return [
        one for name in names for one in bind(_MOVES[name], f"move('{name}')", show=name in ("down", "up"))
    ]


PLAY_BINDINGS: list[BindingType] = [
    one
    for key, name in (
        ("p", "pause"),
        ("left_square_bracket", "slower"),
        ("right_square_bracket", "faster"),
        ("comma", "back"),
        ("full_stop", "forward"),
        ("left_parenthesis", "previous"),
        ("right_parenthesis", "next"),
        ("circumflex_accent", "beginning"),
        ("dollar_sign", "ending"),
    )
    for one in bind(key, f"app.play('{name}')")
]
"""What every full screen of a replay has besides its own keys."""


class Faced(DOMNode):
    """Mixed into screens: the face, and ears that open a little after the first paint."""

    face: Face
    deaf_s: ClassVar[float] = 0.0
    """Seconds after the first paint during which keys are dropped, and all that were typed before."""
    hears_from: float = 0.0
    monotonic: Callable[[], float] = time.monotonic

    @property
    def opening(self) -> Opening:
        """The app, for what a key opens."""
        return cast("Opening", self.app)

    def close_ears(self) -> None:
        """Hear nothing until some time after the next paint."""
        if self.deaf_s:
            self.hears_from = float("inf")
            cast("Screen[Any]", self).call_after_refresh(self._open_ears)

    def _open_ears(self) -> None:
        if not self.app.is_headless:
            forget_typed()
        self.hears_from = self.monotonic() + self.deaf_s

    def deaf(self, typed_at: float) -> bool:
        """Whether a key typed at that (monotonic) time is dropped."""
        return typed_at < self.hears_from

    def refresh_state(self) -> None:
        """The state is another one: every view looks at it again."""
        for view in self.query(View):
            view.update()


class Sparing(Screen[ScreenResultType]):
    """A screen that paints itself whole when it appears, and not again for a focus or for a widget more or
    less.

    The views repaint their own rows, and a layout repaints what it moved; on a line of 5 KB/s every whole
    frame more is a wait of seconds.
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    _appearing = True
    """The first layout paints all of it."""

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if self._appearing and not regions and not layout and not recompose:
            return self
        return super().refresh(*regions, repaint=repaint and not layout, layout=layout, recompose=recompose)

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Leave the screen; where it is not the one that is shown nothing happens: Textual would take another
        one away."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

    def on_screen_resume(self) -> None:
        self.call_next(self._has_appeared)  # Textual's own handler comes after this one

    def _has_appeared(self) -> None:
        self._appearing = False

    def paint_whole(self) -> None:
        """The terminal shows something else: it was lent to an editor or a shell."""
        self._appearing = False
        self.refresh()


class FaceScreen(Faced, Sparing[None]):
    """A full screen over one face of the run."""

    TITLE = ""
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = []
    offers_palette: ClassVar[bool] = True
    """False where a command list with Enter could approve something."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        own = (
            BindingsMap.merge([self._bindings, BindingsMap(PLAY_BINDINGS)]) if face.replay else self._bindings
        )
        self._bindings = moved_bindings(own)
        self.face = face
        self.hears_from = float("inf") if self.deaf_s else 0.0
        # Made here: news may come before the screen is composed.
        self._header = HeaderBar(face, self.TITLE or "")

    _shown = False
    """The first time, the widgets paint what they are made with."""

    def content(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        return ()

    def keys(self) -> Keys:
        """The footer's keys for where the operator is."""
        return []

    def compose(self) -> ComposeResult:
        yield self._header
        yield from self.content()
        yield Footer(self.face, self._keys_now)

    def _keys_now(self) -> Keys:
        """The keys of the line that is typed into, where one is."""
        return [("Enter", "take it"), ("Esc", "leave it")] if self.typing else self.keys()

    @property
    def typing(self) -> bool:
        """Whether a line is typed on this screen."""
        return any(getattr(prompt, "open", False) for prompt in self.query("Prompt"))

    def on_mount(self) -> None:
        self.close_ears()
        self._fit_height()

    def on_resize(self) -> None:
        self._fit_height()

    def _fit_height(self) -> None:
        self.set_class(self.app.size.height < SHORT_BELOW, "-short")
        self.fit_header()

    def fit_header(self) -> None:
        """Rows of the header."""
        self._header.styles.height = self._header.rows_in(self.app.size.width)

    def refresh_state(self) -> None:
        self.fit_header()
        super().refresh_state()

    def on_screen_resume(self) -> None:
        if self._shown:
            self.refresh_state()
        self._shown = True

    def on_key(self, event: events.Key) -> None:
        """No key is silent: one that is bound to nothing says so."""
        bound = any(event.key in one._bindings.key_to_bindings for one in (self, self.app))
        if event.is_printable and event.character is not None and not bound:
            event.stop()
            self.tell(f"{event.character} does nothing here; {shown('?')} shows the keys")

    def on_descendant_focus(self) -> None:
        self.refresh_state()

    def tell(self, text: str) -> None:
        """Say something in the footer, until the next key."""
        self.post_message(Said(text))

    def action_back(self) -> None:
        """To the screen below."""
        self.dismiss()


class Box(View):
    """The framed rows of a dialog."""

    framed = True

    def __init__(self, face: Face, dialog: Dialog) -> None:
        super().__init__(face)
        self._dialog = dialog

    def head(self) -> tuple[Row, Row]:
        mark = row((" DEMO ", "demo")) if self.face.state.demo else EMPTY
        return row((self._dialog.title_text(), "title")), mark

    def body(self, width: int, height: int) -> list[Row]:
        dialog, rows = self._dialog, self._dialog.rows(width)
        # The last rows say what the keys do: a short screen scrolls what is above them.
        last = min(dialog.last_rows, max(1, height - 2))
        room = max(1, height - last - 1)
        dialog.below = max(0, len(rows) - last - room) if len(rows) > height else 0
        dialog.top = max(0, min(dialog.top, dialog.below))
        rows = dialog.rows(width)  # its keys may depend on how far it is read
        if len(rows) <= height:
            return rows
        down = dialog.below - dialog.top
        text = (
            f"{self.face.glyphs.down} {several(down, 'more row')}: {shown('j')}"
            if down
            else f"{self.face.glyphs.ellipsis} {shown('k')} goes back"
        )
        return [
            *rows[dialog.top : dialog.top + room],
            row((text, "need" if down else "muted")),
            *rows[-last:],
        ]

    def foot(self) -> Row:
        """The last key's word; else the language model that is asked, for a dialog may hide the header."""
        if self._dialog.said:
            return row((self._dialog.said, "warn"))
        name, _ = asked_parts(self.face)
        told = crop_middle(f"model: {name}", max(8, self.size.width - 6), self.face.glyphs.ellipsis)
        return row((told, "muted")) if name else EMPTY

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        return min(len(self._dialog.rows(max(1, width - 4))) + 2, self.app.size.height)


class Dialog(Faced, Sparing[str], ModalScreen[str]):
    """A question over the screen below; its answer is a word, empty when it was left."""

    AUTO_FOCUS = ""
    CSS_PATH = style("dialog")
    last_rows: ClassVar[int] = 3
    """Rows at the end that are shown on any screen."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("escape,q", "leave"),
        *bind("j,down,pagedown", "scroll(1)", show=False),
        *bind("k,up,pageup", "scroll(-1)", show=False),
    ]

    def __init__(self, face: Face) -> None:
        super().__init__()
        self._bindings = moved_bindings(self._bindings)
        self.face = face
        self.top = 0
        """The first row that is shown."""
        self.below = 0
        """How far it can be scrolled; 0 where everything is on the screen."""
        self.said = ""
        """In the frame's lower edge, of the last key."""
        self.hears_from = float("inf") if self.deaf_s else 0.0

    def title_text(self) -> str:
        """Title of the frame."""
        return ""

    def rows(self, cells: int) -> list[Row]:
        """The text."""
        return []

    def compose(self) -> ComposeResult:
        yield Box(self.face, self)

    def on_mount(self) -> None:
        self.close_ears()

    def on_key(self, event: events.Key) -> None:
        """What no binding takes says so."""
        bound = any(event.key in one._bindings.key_to_bindings for one in (self, self.app))
        silent = event.is_printable and event.character is not None and not bound
        if silent:
            event.stop()
        said = f"{event.character} does nothing here" if silent else ""
        if said != self.said:
            self.said = said
            self.refresh_state()

    def action_scroll(self, by: int) -> None:
        """Show what a short screen has no room for."""
        self.top = max(0, min(self.top + 3 * by, self.below))
        self.refresh_state()

    def action_leave(self) -> None:
        """Nothing is answered."""
        self.dismiss("")

    def action_say(self, word: str) -> None:
        """One of the offered answers."""
        self.dismiss(word)
