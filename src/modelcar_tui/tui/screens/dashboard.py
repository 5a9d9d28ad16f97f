"""The dashboard: the answer, the specialists while they work, the models, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.widget import Widget

from modelcar_tui.qa import hopeless_models
from modelcar_tui.tui.arranging import TWO_FROM, arranged
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.narrow import Filterable, ask_filter
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.screens.base import Keys, move_bindings
from modelcar_tui.tui.screens.front import FrontScreen
from modelcar_tui.tui.screens.moving import move_in
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.screens.wants import Wants
from modelcar_tui.tui.view import Scrolled, View
from modelcar_tui.tui.widgets.board import Board, NotesPanel, PagePanel, PlanPanel
from modelcar_tui.tui.widgets.gpus import GpuTable
from modelcar_tui.tui.widgets.log import LogView
from modelcar_tui.tui.widgets.models import ModelTable
from modelcar_tui.tui.widgets.panels import SpecialistPane

WORD_S = 1.0
"""How long after the word for the plan an Enter still belongs to it."""
JUMPS = "asdfghjklqwertyuiop"
"""Letters of the panels, the nearest to the fingers first."""


class DashboardScreen(FrontScreen):
    """All panels."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(one for n in range(1, 10) for one in bind(str(n), f"pane({n})")),
        *bind("tab", "panel(1)"),
        *bind("shift+tab", "panel(-1)", show=False),
        *bind("m", "models"),
        *bind("enter", "open"),
        *bind("d", "diff"),
        *bind("A", "required"),
        *bind("M", "language_model"),
        *bind("x", "consent"),
        *bind("t", "try"),
        *bind("g", "gpus"),
        *bind("l", "log"),
        *bind("question_mark,f1", "why"),
        *bind("a", "ask"),
        *bind("o", "summary"),
        *bind("b", "group"),
        *bind("greater_than_sign", "sort"),
        *bind("z", "zoom"),
        *bind("ctrl+o", "jump"),
        *move_bindings("down", "up", "pagedown", "pageup", "home", "end", "left", "right"),
        *bind("slash", "on_panel('slash')"),
        *bind("n", "on_panel('n')"),
        *bind("N", "on_panel('N')"),
        *bind("e", "on_panel('e')"),
        *bind("E", "on_panel('E')"),
        *bind("f", "on_panel('f')"),
        *bind("w", "on_panel('w')"),
        *bind("T", "on_panel('T')"),
        *bind("s", "on_panel('s')"),
        *bind("y", "copy"),
        *bind("S", "stop_qa", show=False),
        *bind("q", "quit_run"),
        *bind("escape", "unzoom", show=False),
    ]

    def __init__(self, face: Face, index: LogIndex) -> None:
        super().__init__(face)
        self._index = index
        self._opened: set[str] = set()
        """Specialists that the operator has opened."""
        self._zoomed = False
        self._shown_panes: tuple[str, ...] = ()

    def content(self) -> Iterable[Widget]:
        yield from super().content()
        self.prompt = Prompt()
        yield self.prompt

    def board(self) -> Widget:
        self._table = ModelTable(self.face)
        self._page = PagePanel(self.face, lambda: self._table.model)
        self._gpus = GpuTable(self.face, id="gpus")
        self._log_view = LogView(self.face, self._index, id="log")
        panels = (self._table, self._page, PlanPanel(self.face), NotesPanel(self.face), self._gpus)
        self._board = Board(*self._make_panes(), *panels, self._log_view, find=self._find)
        self._wants = Wants(self.face, self._index, self._board, self._table, self._gpus)
        return self._board

    def _make_panes(self) -> list[SpecialistPane]:
        self._shown_panes = tuple(pane.name for pane in self.face.state.panes)
        return [SpecialistPane(self.face, name, number) for number, name in enumerate(self._shown_panes, 1)]

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._table)

    @property
    def specialist(self) -> str:
        """The specialist whose pane has the focus, else none."""
        panel = self.focused
        return panel.specialist if isinstance(panel, SpecialistPane) else ""

    def keys(self) -> Keys:
        state = self.face.state
        keys: Keys = []
        if state.waiting_for_approval and not self.face.replay:
            required = state.decision is not None and any(
                change.severity == "required" for change in state.decision.plan.changes
            )
            keys += [("A", "accept required")] if required else []
            keys.append(("d", "review"))
        if state.waiting_for_consent and not self.face.replay:
            keys.append(("x", "start QA"))
        if state.llm.offer is not None and not self.face.replay:
            keys.append(("M", "model"))
        if state.trial is not None and not self.face.replay:
            keys.append(("t", "the try"))
        if hopeless_models(state.qa.seen):
            keys.append(("S", "stop QA"))
        keys += self._panel_keys()
        keys += [("p", "pause")] if self.face.replay else []
        keys += [("?", "why"), ("g", "GPUs"), ("l", "log")]
        keys += [("d", "changes")] if not state.waiting_for_approval else []
        panes = f"1-{min(9, max(1, len(self._shown_panes)))}"
        keys += [("a", "ask"), ("tab", "panel"), (panes, "specialists"), ("z", "zoom"), ("o", "summary")]
        return [*keys, ("y", "copy"), ("ctrl+p", "all keys"), ("q", "quit")]

    def _panel_keys(self) -> Keys:
        match self.focused:
            case LogView():
                return [("/", "filter"), ("n", "next"), ("f", "follow"), ("e", "error"), ("w", "wrap")]
            case GpuTable():
                return [("/", "filter"), (">", "order")]
            case ModelTable():
                return [("Enter", "page"), ("/", "filter"), ("b", "group")]
            case SpecialistPane():
                return [("Esc", "close")]
        return []

    def refresh_state(self) -> None:
        names = tuple(pane.name for pane in self.face.state.panes)
        if names != self._shown_panes:
            self.call_later(self._remake_panes)
        self.fit()
        self._board.look_again()
        self._leave_empty()
        for view in self.query(View):
            if view.parent is self._board and view.id not in self._board.places:
                view.look_afresh()
            else:
                view.update()

    def _leave_empty(self) -> None:
        """A panel that has nothing to tell any more is not shown: its keys go back to the models."""
        panel, names = self.focused, self._wants.names
        if panel is not None and panel.has_class("panel") and names and panel.id not in names:
            self.set_focus(self._table)

    async def _remake_panes(self) -> None:
        if not self._table.is_attached:
            return  # the dashboard is being left
        async with self.batch():
            await self._board.query(SpecialistPane).remove()
            await self._board.mount(*self._make_panes(), before=self._table)
        self.refresh_state()

    def _find(self, width: int, height: int) -> dict[str, Region]:
        """The place of each panel."""
        focus = self.focused.id if self.focused is not None else None
        if self._zoomed and focus is not None:
            return {focus: Region(0, 0, width, height)}
        return arranged(width, height, self._wants.told(width, height, self._opened, focus or ""))

    def _focus(self, panel: Widget) -> None:
        """A panel without a place gets one by the focus."""
        self.set_focus(panel)
        self.refresh_state()

    def action_pane(self, number: int) -> None:
        """`1` to `9`: open it, or close the one that is looked at."""
        pane = next((one for one in self.query(SpecialistPane) if one.number == number), None)
        if pane is None:
            self.tell(f"there is no specialist {number}")
        elif pane is self.focused and pane.specialist in self._opened:
            self.action_unzoom()
        else:
            if self.size.width < TWO_FROM:
                self._opened.clear()  # there is room for one
            self._opened.add(pane.specialist)
            self._focus(pane)

    def action_models(self) -> None:
        """`m`."""
        self._focus(self._table)

    def action_panel(self, step: int) -> None:
        """Tab: the panels that have something to tell."""
        panels = [panel for panel in self.query(".panel") if panel.id in self._wants.names]
        if panels:
            at = panels.index(self.focused) if self.focused in panels else (-1 if step > 0 else 0)
            self._focus(panels[(at + step) % len(panels)])

    def action_open(self) -> None:
        """Enter; behind the word that answers the plan it is a habit and opens nothing."""
        if self.monotonic() - self.face.word_at >= WORD_S:
            self._open()

    def _open(self) -> None:
        panel = self.focused
        match panel:
            case ModelTable():
                if panel.model is None:
                    self.tell("no model is under the cursor")
                elif not panel.fold():
                    self.opening.open_screen("model")
            case GpuTable():
                self.action_gpus()
            case LogView():
                self.action_log()
            case PlanPanel():
                self.action_diff()
            case _:
                self.action_zoom()
        self.refresh_state()

    def action_move(self, how: str) -> None:
        """Scroll or move in the focused panel."""
        panel = self.focused
        if isinstance(panel, Scrolled):
            page = panel.inner[1] - 1
            steps = {"down": 1, "up": -1, "home": -9999, "end": 9999, "pagedown": page, "pageup": -page}
            panel.scroll_rows(steps.get(how, 0))
        elif isinstance(panel, LogView | GpuTable | ModelTable):
            move_in(panel, how)
            if panel is self._table:
                self.refresh_state()

    def action_group(self) -> None:
        """`b`."""
        by = self._table.next_grouping()
        self.tell(f"models by {by}" if by else "models one by one, the worst first")
        self.refresh_state()

    def action_sort(self) -> None:
        """`>`."""
        by = self._gpus.next_sort()
        self.tell(f"GPUs ordered by {by}")

    def action_on_panel(self, key: str) -> None:
        """Keys of the log, and `/` of the panels that list something; else the log is meant."""
        panel = self.focused
        if key == "slash" and not isinstance(panel, LogView):
            listed = isinstance(panel, GpuTable) or (isinstance(panel, SpecialistPane) and panel.lists_models)
            view = cast("Filterable", panel if listed else self._table)
            ask_filter(view, self.prompt, self.tell, self.refresh_state)
            return
        if not self._index.total:
            self.tell("there is no log yet: QA has not begun")
            return
        if "log" not in self._board.places:
            self.opening.open_log(key)
            return
        from modelcar_tui.tui.screens.logkeys import LogKeys

        LogKeys(self._log_view, self.prompt, self.tell).press(key, self.face.state.folder)

    def action_jump(self) -> None:
        """`ctrl+o`."""
        shown = [panel for panel in self.query(".panel") if panel.id in self._board.places]
        self.face.labels = {str(panel.id): letter for panel, letter in zip(shown, JUMPS, strict=False)}
        self.tell("the letter of a panel goes there; any other key stays")
        self.refresh_state()

    def on_key(self, event: events.Key) -> None:
        """The letter of a panel, where they are shown."""
        if not self.face.labels:
            super().on_key(event)
            return
        event.stop()
        chosen = [name for name, letter in self.face.labels.items() if letter == event.character]
        self.face.labels = {}
        panel = next((one for one in self.query(".panel") if one.id in chosen), None)
        if panel is not None:
            self.set_focus(panel)
        elif chosen:
            self.tell("that panel is gone")
        self.refresh_state()

    def action_zoom(self) -> None:
        """The focused panel alone, or all again."""
        self._zoomed = not self._zoomed
        self.refresh_state()

    def action_unzoom(self) -> None:
        """Esc: all panels again; then the opened specialist closes; then the models."""
        panel = self.focused
        if self._zoomed:
            self._zoomed = False
        elif isinstance(panel, SpecialistPane):
            self._opened.discard(panel.specialist)
            self.set_focus(self._table)
        elif panel is not self._table:
            self.set_focus(self._table)
        self.refresh_state()

    def action_copy(self) -> None:
        """The focused panel's text."""
        panel = self.focused
        if isinstance(panel, LogView):
            self.post_message(Copied("\n".join(panel.visible_lines())))
        elif isinstance(panel, View):
            self.post_message(Copied("\n".join(line.strip("│| ") for line in panel.plain()[1:-1])))

    def action_diff(self) -> None:
        """Review."""
        self.opening.open_screen("diff")

    def action_required(self) -> None:
        """`A`: what is required is accepted, and shown."""
        self.opening.open_screen("required")

    def action_consent(self) -> None:
        """`x`."""
        from modelcar_tui.tui.faces.question import why_no_question

        if why := why_no_question(self.face.state, replay=self.face.replay):
            self.tell(why)
        else:
            self.opening.open_screen("consent")

    @property
    def model_name(self) -> str:
        """The model under the cursor."""
        return self._table.model.name if self._table.model is not None else ""

    def action_try(self) -> None:
        """`t`."""
        self.opening.open_screen("try")

    def action_language_model(self) -> None:
        """`M`."""
        self.opening.open_screen("language-model")

    def action_gpus(self) -> None:
        """All GPUs."""
        self.opening.open_screen("gpus")

    def action_log(self) -> None:
        """The whole log."""
        self.opening.open_screen("log")

    def action_why(self) -> None:
        """Help, beginning with the focused panel."""
        panel = self.focused
        match panel:
            case SpecialistPane():
                self.opening.open_why(panel.specialist, panel.filter)
            case PlanPanel():
                self.opening.open_why("plan")
            case GpuTable():
                self.opening.open_why("gpus", at=panel.current.name if panel.current is not None else "")
            case LogView():
                self.opening.open_why("log")
            case _:
                model = self._table.model
                judged = self.face.state.decision is not None
                topic = "decision" if judged else "configuration"
                self.opening.open_why(topic, self._table.filter, model.name if model is not None else "")

    def action_ask(self) -> None:
        """Questions."""
        self.opening.open_screen("ask")

    def action_summary(self) -> None:
        """The summary."""
        self.opening.open_screen("summary")

    def action_stop_qa(self) -> None:
        """`S`, where a model waits for what will not come."""
        if hopeless_models(self.face.state.qa.seen):
            self.opening.action_request_quit()
        else:
            self.tell(f"nothing of QA waits in vain; {shown('q')} stops the run")

    def action_quit_run(self) -> None:
        """Quit."""
        self.opening.action_request_quit()
