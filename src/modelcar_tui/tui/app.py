"""The dashboard: one timer reads the engine's events, folds them, and lets the views look again.

Imports Textual and light types only, so that the first paint waits for nothing heavy.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.keymap import Keymap
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import RunState, fold, outcome_of
from modelcar_tui.supervisor.events import Stamped
from modelcar_tui.tui.faced import FacedApp
from modelcar_tui.tui.faces.front import with_board
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.logs import NoLog, open_log
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.port import Clocked, EnginePort, Offering
from modelcar_tui.tui.screens.base import style
from modelcar_tui.tui.screens.front import FrontScreen
from modelcar_tui.tui.screens.opening import OPENERS

if TYPE_CHECKING:
    from modelcar_tui.tui.player import Player
    from modelcar_tui.tui.prompting import Prompting

FAST_S, SLOW_S = 0.1, 0.5
LATE_S = 0.7
"""A tick this late means that the terminal does not take our bytes."""
GOOD_TICKS = 120
"""Punctual slow ticks after which the full pace is tried again."""


class DashboardApp(FacedApp):
    """The screen over one run."""

    CSS_PATH = [style("app"), style("dashboard")]  # noqa: RUF012 - the first screen is not pushed

    def __init__(
        self,
        port: EnginePort,
        *,
        initial: RunState | None = None,
        ascii: bool = False,  # noqa: A002
        theme: str | None = None,
        low_bandwidth: bool = False,
        keys: Keymap | None = None,
        clock: Callable[[], float] | None = None,
        pictures: Path | None = None,
    ) -> None:
        super().__init__(
            with_board(initial or RunState()),
            port.now if isinstance(port, Clocked) else clock or time.time,
            replay=getattr(port, "recorded", False),
            ascii=ascii,
            theme=theme,
            low_bandwidth=low_bandwidth,
            keys=keys,
            pictures=pictures,
        )
        self.port = port
        self._always_slow = low_bandwidth
        self.index = LogIndex()
        self._answers: dict[str, Callable[[Any], None]] = {
            "consent": self._consent_answered,
            "language-model": self._model_answered,
            "quit": self._quit_answered,
        }
        self._prompting: Prompting | None = None
        self._player = self._make_player() if self.face.replay else None
        self._due = 0.0
        self._last_tick = 0.0
        self._good_ticks = 0
        self._log_due = 0.0
        self._searched = False
        self.leaving = ""
        """`cancel` or `detach` once the operator has chosen to quit a live run."""
        self.engine_ready = False
        self._typed_ahead: list[events.Event] = []
        """Keys that came before the panels that hear them."""

    def _make_player(self) -> Player | None:
        from modelcar_tui.tui.player import Player, Seekable

        return Player(self, self.port) if isinstance(self.port, Seekable) else None

    def get_default_screen(self) -> FrontScreen:
        return FrontScreen(self.face)

    @property
    def state(self) -> RunState:
        """The run as it is shown."""
        return self.face.state

    def on_mount(self) -> None:
        self.set_pace()
        self.signals.attach()
        self.app_resume_signal.subscribe(self, self._repaint_all)
        self._take([])
        self.call_after_refresh(self._start)

    def _repaint_all(self, _: object) -> None:
        self.draw_again()

    async def _start(self) -> None:
        # The first paint waits for none of these.
        from modelcar_tui.tui.closed import forget_closed
        from modelcar_tui.tui.prompting import Prompting
        from modelcar_tui.tui.screens.dashboard import DashboardScreen

        forget_closed()
        await self.push_screen(DashboardScreen(self.face, self.index))
        self._prompting = Prompting(self)
        typed, self._typed_ahead = self._typed_ahead, []
        for event in typed:
            await self.on_event(event)  # before those that came in the meantime
        gc.freeze()
        gc.enable()
        self._last_tick = time.monotonic()
        self.set_interval(FAST_S, self._tick, name="drain")
        self.port.start(self._engine_is_ready)

    def _engine_is_ready(self) -> None:
        self.engine_ready = True

    async def on_event(self, event: events.Event) -> None:
        if (
            isinstance(event, events.InputEvent | events.Paste)
            and not event.is_forwarded
            and self.screen_stack
        ):
            screen = self.screen
            if type(screen) is FrontScreen:  # and no dashboard yet
                self._typed_ahead.append(event)
                return
            if not self.heard(event):
                return
        await super().on_event(event)

    def set_pace(self) -> None:
        """How often the screen looks at the mailbox."""
        self._pace = SLOW_S if self.face.slow else FAST_S

    def _tick(self) -> None:
        now = time.monotonic()
        self._notice_slowness(now - self._last_tick)
        self._last_tick = now
        if self.signals.terminal_gone():
            self.leave(ExitStatus.HANGUP)
            return
        if self.index.busy:
            self._searched |= self.index.refresh(
                0.06
            )  # a filter's work sends nothing: it need not wait for a slow line
        if now < self._due:
            return
        self._due = now + self._pace - FAST_S / 2
        self._take(self.port.drain())

    def _notice_slowness(self, late: float) -> None:
        if self._always_slow:
            return
        if late > LATE_S and not self.face.slow:
            self.face.slow, self._good_ticks = True, 0
            self.set_pace()
        elif self.face.slow:
            self._good_ticks = self._good_ticks + 1 if late < LATE_S else 0
            if self._good_ticks > GOOD_TICKS * SLOW_S / FAST_S:
                self.face.slow = False
                self.set_pace()

    def _take(self, stamped: list[Stamped]) -> None:
        face = self.face
        before = face.state
        if stamped:
            face.state = with_board(fold(stamped, face.state))
        moved = self._player is not None and self._player.tick()
        ticks = self._runs() and (moved or self._player is None)
        second = float(int(face.clock())) if ticks else face.now
        grew = self._read_log()
        if face.state is not before or second != face.now or grew or moved:
            face.now = second
            self.show()
        if self._prompting is not None:
            self._prompting.look()

    def _runs(self) -> bool:
        state = self.face.state
        works = state.finish is None and any(p.started and not p.finished for p in state.panes)
        return works or state.trial is not None

    def _read_log(self) -> bool:
        path = self.face.state.qa.started.log
        if path and isinstance(self.index.source, NoLog):
            source = open_log(path)
            if source is not None:
                self.index.source = self._player.source(source, path) if self._player else source
        now = time.monotonic()
        if now < self._log_due:
            return False
        self._log_due = now + self.index.pace(slow=self.face.slow, height=self.size.height)
        grew, self._searched = self.index.refresh() or self._searched, False
        return grew

    def action_play(self, name: str) -> None:
        """A key of a replay."""
        if self._player is not None:
            self._player.do(name)

    def take_moment(self) -> None:
        """See `player.Stage`."""
        self.face.now = float(int(self.face.clock()))
        if self._prompting is not None:
            self._prompting.take_moment()
        self.show()

    def open_screen(self, name: str) -> None:
        """The screen of that name, where there is something to show."""
        if name == "summary" and self._prompting is not None:
            self._prompting.summary_due = False
        screen = OPENERS[name](self)
        if screen is not None:
            self.push_screen(screen, self._answers.get(name))

    def open_log(self, key: str) -> None:
        """The whole log, and one of its keys."""
        from modelcar_tui.tui.screens.log import LogScreen

        self.push_screen(LogScreen(self.face, self.index, first=key))

    def on_copied(self, copied: Copied) -> None:
        """`y`: to the operator's clipboard and to a file."""
        from modelcar_tui.tui.clipboard import send

        folder = Path(self.state.folder) if self.state.folder else None
        write = self._driver.write if self._driver else None
        self.run_worker(
            lambda: self.call_from_thread(self.tell, send(copied.text, folder, write)),
            thread=True,
            exclusive=True,
            group="copy",
            exit_on_error=False,
        )

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as an SVG; see `snapshot.svg_of`."""
        from modelcar_tui.tui.snapshot import svg_of

        return svg_of(self, self.face.palette, title or "")

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """`F7`: a picture of the screen as it stands, under a name that is free."""
        from modelcar_tui.tui.snapshot import keep

        own = Path(self.state.folder) if self.state.folder and not self.face.replay else None
        keep(self, self.face.palette, Path(path) if path else own or self._pictures, self.tell)

    def _consent_answered(self, word: str | None) -> None:
        if word:
            self.port.consent(word == "start")

    def _model_answered(self, word: str | None) -> None:
        offer = self.state.llm.offer
        if word and offer is not None and isinstance(self.port, Offering):
            self.port.allow_model(offer.host, word == "allow")
            self.tell(f"{reveal(offer.host)} is {'allowed' if word == 'allow' else 'refused'} from now on")

    def action_palette(self) -> None:
        """`ctrl+p`."""
        self.open_screen("palette")

    def action_request_quit(self) -> None:
        """`ctrl+c`, `ctrl+q`, and `q` on the dashboard: at once when nothing runs; else ask."""
        if self.face.replay or (self.state.finish is not None and self.state.trial is None):
            self.leave(None)
        else:
            self.open_screen("quit")

    def _quit_answered(self, word: str | None) -> None:
        if word == "detach":
            self.leaving = "detach"
            self.port.detach()
            self.leave(None)
        elif word == "cancel":
            self.leaving = "cancel"
            self.port.cancel()
            self.leave(ExitStatus.INTERRUPTED if self.state.finish is None else None)

    @property
    def qa_works(self) -> bool:
        """Whether something of QA may be running that the operator's stop has to clean up."""
        return self.state.qa_works

    @property
    def works(self) -> bool:
        """The same of QA and of tries."""
        return self.qa_works or (self.state.trial is not None and not self.face.replay)

    def leave(self, status: ExitStatus | None) -> None:
        """End the screen; None takes the status of the run. The first that ends it gives the status."""
        super().leave(self.run_status() if status is None else status)

    def run_status(self) -> ExitStatus:
        """The run's exit status, or the one of the verdict so far."""
        if self.state.finish is not None:
            return ExitStatus(self.state.finish.exit_status)
        told = outcome_of(self.state)
        return ExitStatus.UNKNOWN if told is None else told.status

    @property
    def crash_folder(self) -> str:
        return self.state.folder
