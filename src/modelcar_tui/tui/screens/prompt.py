"""A one-line question at the foot of a screen, for filters and edited values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.binding import Binding
from textual.containers import Horizontal

from modelcar_tui.tui.keys import sweeps

if TYPE_CHECKING:
    from textual.widgets import Input


class Prompt(Horizontal):
    """Shown while it is asked; Enter takes the text, Esc leaves things as they were."""

    BINDINGS = [Binding("escape", "leave", "leave", show=False, priority=True)]  # noqa: RUF012

    def __init__(self, id: str = "prompt") -> None:  # noqa: A002
        super().__init__(id=id)
        self._done: Callable[[str], None] | None = None
        self._changed: Callable[[str], None] | None = None
        self._left: Callable[[], None] | None = None
        self.ready = False
        self.display = False

    def on_mount(self) -> None:
        self.call_after_refresh(self._add_line)

    async def _add_line(self) -> None:
        """After the first paint: an input line is dear to import and is not seen yet."""
        from textual.widgets import Input, Label

        line = Input(compact=True, select_on_focus=False)
        line.cursor_blink = False
        await self.mount(Label("", markup=False), line)
        self.ready = True

    @property
    def open(self) -> bool:
        """Whether the operator is typing here."""
        return bool(self.display)

    def ask(
        self,
        label: str,
        text: str,
        done: Callable[[str], None],
        *,
        changed: Callable[[str], None] | None = None,
        left: Callable[[], None] | None = None,
    ) -> None:
        """Ask for a line; `changed` is told of every key."""
        from textual.widgets import Input, Label

        if not self.ready:
            return
        self._done, self._changed, self._left = done, None, left
        self.query_one(Label).update(label)
        line = self.query_one(Input)
        line.value = text
        line.cursor_position = len(text)
        self._changed = changed
        self.display = True
        self._before = self.screen.focused
        line.focus()

    def close(self) -> None:
        """Give the keys back."""
        self.display = False
        if self._before is not None and self._before.is_mounted:
            self._before.focus()
        else:
            self.screen.set_focus(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        done = self._done
        self.close()
        if done is not None:
            done(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display and self._changed is not None:
            self._changed(event.value)

    def on_key(self, event: events.Key) -> None:
        """Whoever types does no sweeping act, on whatever key an operator has put it."""
        if sweeps(self.screen._bindings, event.key):
            event.stop()

    def action_leave(self) -> None:
        """Esc."""
        self.close()
        if self._left is not None:
            self._left()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
