"""The dashboard: specialists, GPUs, log and verdict, laid out by the size of the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from modelcar_tui.qa import hopeless_models
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.narrow import Filterable, ask_filter
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.gpus import GpuTable
from modelcar_tui.tui.widgets.log import LogView
from modelcar_tui.tui.widgets.panels import Banner, SpecialistPane, Strip, Tabs

LAYOUTS = ("narrow", "medium", "wide", "vast")


def layout_for(width: int, height: int) -> str:
    """Name of the layout: one pane at a time, strip and one pane, all panes, all panes and tables side by
    side."""
    if width < 80 or height < 24:
        return "narrow"
    if width < 120 or height < 34:
        return "medium"
    return "vast" if width >= 160 else "wide"


class DashboardScreen(FaceScreen):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"pane({n})", "the specialist of that number") for n in range(1, 10)),
        Binding("tab", "panel(1)", "next panel"),
        Binding("shift+tab", "panel(-1)", "panel before", show=False),
        Binding("d", "diff", "review the proposed changes"),
        Binding("x", "consent", "what QA would do to the cluster, and start it"),
        Binding("g", "gpus", "all GPUs"),
        Binding("l", "log", "the whole log"),
        Binding("question_mark,f1", "why", "why: where the numbers come from, and all keys"),
        Binding("a", "ask", "ask about the run, or what if"),
        Binding("o", "summary", "summary of the run"),
        Binding("z", "zoom", "zoom the panel"),
        *move_bindings("down", "up", "pagedown", "pageup", "home", "end", "left", "right"),
        Binding("slash", "on_panel('slash')", "filter models, GPUs or log (regular expression, ! inverts)"),
        Binding("n", "on_panel('n')", "next match"),
        Binding("N", "on_panel('N')", "match before"),
        Binding("e", "on_panel('e')", "next error in the log"),
        Binding("E", "on_panel('E')", "error before"),
        Binding("f", "on_panel('f')", "follow the log"),
        Binding("w", "on_panel('w')", "wrap long lines"),
        Binding("t", "on_panel('t')", "times"),
        Binding("s", "on_panel('s')", "save the log, or sort the GPUs"),
        Binding("y", "copy", "copy the panel"),
        Binding("S", "stop_qa", "stop QA, where waiting does not help a model", show=False),
        Binding("q", "quit_run", "quit"),
        Binding("escape", "unzoom", "back", show=False),
    ]

    def __init__(self, face: Face, index: LogIndex, layout: str = "wide") -> None:
        super().__init__(face)
        self.add_class(f"-{layout}", "-early")
        self._index = index
        self.specialist = face.state.panes[0].name if face.state.panes else ""
        self._shown_panes: tuple[str, ...] = ()
        self._chosen = False

    def content(self) -> Iterable[Widget]:
        yield Banner(self.face, id="banner")
        yield Strip(self.face, lambda: self.specialist, id="strip")
        yield Tabs(self.face, lambda: self.specialist, id="tabs")
        with Container(id="board"):
            yield Container(*self._make_panes(), id="panes")
            with Container(id="lower"):
                yield GpuTable(self.face, id="gpus")
                self._log_view = LogView(self.face, self._index, id="log")
                yield self._log_view
        self.prompt = Prompt()
        yield self.prompt

    def _make_panes(self) -> list[SpecialistPane]:
        self._shown_panes = tuple(pane.name for pane in self.face.state.panes)
        return [SpecialistPane(self.face, name, number) for number, name in enumerate(self._shown_panes, 1)]

    def on_resize(self, event: events.Resize) -> None:
        wanted = layout_for(event.size.width, event.size.height)
        if not self.has_class(f"-{wanted}"):
            self.remove_class(*(f"-{name}" for name in LAYOUTS))
            self.add_class(f"-{wanted}")
        self._mark()

    def keys(self) -> Keys:
        keys: Keys = []
        if self.face.state.waiting_for_approval:
            keys.append(("d", "review"))
        if self.face.state.waiting_for_consent:
            keys.append(("x", "start QA"))
        if hopeless_models(self.face.state.qa.seen):
            keys.append(("S", "stop QA"))
        keys += [(f"1-{min(9, len(self._shown_panes))}", "panes"), ("tab", "next"), ("?", "why")]
        match self.focused:
            case LogView():
                keys += [
                    ("/", "filter"),
                    ("n", "next"),
                    ("f", "follow"),
                    ("e", "error"),
                    ("w", "wrap"),
                    ("t", "times"),
                ]
            case GpuTable():
                keys += [("/", "filter"), ("s", "sort")]
            case SpecialistPane(lists_models=True):
                keys += [("/", "filter")]
        keys += [("g", "GPUs"), ("l", "log")]
        if not self.face.state.waiting_for_approval:
            keys.append(("d", "diff"))
        keys += [("a", "ask"), ("z", "zoom"), ("o", "summary"), ("y", "copy"), ("ctrl+p", "all keys")]
        return [*keys, ("q", "quit")]

    def refresh_state(self) -> None:
        names = tuple(pane.name for pane in self.face.state.panes)
        if names != self._shown_panes:
            self.call_later(self._remake_panes)
        self.set_class(not self._index.total, "-early")
        self.set_class(not self._index.total and self.focused is not self._log_view, "-quiet")
        if not self._chosen:
            self._follow_work()
        super().refresh_state()

    def action_consent(self) -> None:
        """`x`, only while QA waits for a word."""
        self.opening.open_screen("consent")

    async def _remake_panes(self) -> None:
        panes = self.query_one("#panes")
        async with self.batch():
            await panes.remove_children()
            await panes.mount(*self._make_panes())
        self._mark()

    def _follow_work(self) -> None:
        """Until the operator has chosen a pane, the small layouts show the one that works."""
        running = [pane.name for pane in self.face.state.panes if pane.status is Status.RUNNING]
        if self.face.state.waiting_for_approval:
            running = ["decision"]
        if running and self.specialist not in running and self.focused is None:
            self.specialist = running[0]
            self._mark()

    def _mark(self, current: Widget | None = None) -> None:
        """Tell the styles which pane and which panel are the current ones."""
        self.query_one("#strip").styles.height = max(1, len(self.face.state.panes))
        self.set_class(len(self._shown_panes) > 4, "-many")
        if current is None and self.focused is not None and self.focused.has_class("panel"):
            current = self.focused
        in_panes = current is None or isinstance(current, SpecialistPane)
        self.query_one("#panes").set_class(not in_panes, "-off")
        self.query_one("#lower").set_class(in_panes, "-off")
        for panel in self.query(".panel"):
            ours = isinstance(panel, SpecialistPane) and panel.specialist == self.specialist
            panel.set_class(ours, "-shown")
            panel.set_class(panel is current if current is not None else ours, "-current")

    def _go(self, panel: Widget) -> None:
        self._chosen = True
        if isinstance(panel, SpecialistPane):
            self.specialist = panel.specialist
        self._mark(panel)
        panel.focus()
        self.refresh_state()

    def action_pane(self, number: int) -> None:
        """`1` to `9`."""
        for pane in self.query(SpecialistPane):
            if pane.number == number:
                self._go(pane)

    def action_panel(self, step: int) -> None:
        """Tab."""
        panels = list(self.query(".panel"))
        if self.has_class("-medium") and not self.has_class("-zoom"):
            panels = [panel for panel in panels if panel.id != "gpus"]
        at = panels.index(self.focused) if self.focused in panels else (-1 if step > 0 else 0)
        self._go(panels[(at + step) % len(panels)])

    def action_move(self, how: str) -> None:
        """Scroll or move in the focused panel."""
        panel = self.focused
        if isinstance(panel, SpecialistPane):
            panel.scroll_rows({"down": 1, "up": -1, "home": -9999, "end": 9999}.get(how, 0))
            if how in ("pagedown", "pageup"):
                panel.scroll_rows(panel.inner[1] - 1 if how == "pagedown" else 1 - panel.inner[1])
        elif isinstance(panel, LogView | GpuTable):
            move_in(panel, how)

    def action_on_panel(self, key: str) -> None:
        """Keys of the log, of the table and of the panes that list models; else the log is meant."""
        table = self.query_one(GpuTable)
        panel = self.focused
        if panel is table and key == "s":
            table.next_sort()
            return
        if key == "slash" and (panel is table or (isinstance(panel, SpecialistPane) and panel.lists_models)):
            ask_filter(cast("Filterable", panel), self.prompt, self.tell)
            return
        from modelcar_tui.tui.screens.logkeys import LogKeys

        LogKeys(self._log_view, self.prompt, self.tell).press(key, self.face.state.folder)

    def action_zoom(self) -> None:
        """The focused panel alone, or all again."""
        self.toggle_class("-zoom")

    def action_unzoom(self) -> None:
        """Esc."""
        self.remove_class("-zoom")

    def action_copy(self) -> None:
        """The focused panel's text."""
        panel = self.focused
        if isinstance(panel, LogView):
            self.post_message(Copied("\n".join(panel.visible_lines())))
        elif isinstance(panel, GpuTable | SpecialistPane):
            self.post_message(Copied("\n".join(line.strip("│| ") for line in panel.plain()[1:-1])))
        else:
            self.post_message(Copied("\n".join(self.query_one(Banner).plain())))

    def action_diff(self) -> None:
        """Review."""
        self.opening.open_screen("diff")

    def action_gpus(self) -> None:
        """All GPUs."""
        self.opening.open_screen("gpus")

    def action_log(self) -> None:
        """The whole log."""
        self.opening.open_screen("log")

    def action_why(self) -> None:
        """Help, beginning with the focused panel."""
        panel = self.focused
        topic = (
            panel.specialist
            if isinstance(panel, SpecialistPane)
            else (panel.id if panel and panel.id else "")
        )
        chosen = panel.filter if isinstance(panel, SpecialistPane) else None
        self.opening.open_why(topic or self.specialist, chosen)

    def action_ask(self) -> None:
        """Questions."""
        self.opening.open_screen("ask")

    def action_summary(self) -> None:
        """The summary."""
        self.opening.open_screen("summary")

    def action_stop_qa(self) -> None:
        """`S`, only while a model waits for what will not come."""
        if hopeless_models(self.face.state.qa.seen):
            self.opening.action_request_quit()

    def action_quit_run(self) -> None:
        """Quit."""
        self.opening.action_request_quit()


def move_in(panel: LogView | GpuTable, how: str) -> None:
    """One movement key in a long panel."""
    match how:
        case "down" | "up":
            panel.move(1 if how == "down" else -1)
        case "pagedown" | "pageup":
            panel.move(panel.page() if how == "pagedown" else -panel.page())
        case "home":
            panel.home()
        case "end":
            panel.end()
        case "left" | "right" if isinstance(panel, LogView):
            panel.sideways(8 if how == "right" else -8)
