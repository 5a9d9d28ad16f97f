"""A whole start-up log of vLLM: how far it came, what it took of a GPU, how it ended and why."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from modelcar_tui.vllm.startup_errors import Causes, Thrown
from modelcar_tui.vllm.startup_line import Said, said
from modelcar_tui.vllm.startup_log import Figure, error_figures, logged_figures
from modelcar_tui.vllm.startup_refusals import DIED, OF_MEMORY, STARTS, subjects
from modelcar_tui.vllm.startup_stages import ARGUMENTS, NOTHING, SERVING, begun_by, further

_LONGEST_ERROR = 500
_LONGEST_LAST = 200
_KILLED = (137, 139, 134)
"""Exit statuses of SIGKILL, SIGSEGV and SIGABRT: nobody asked it to end."""
_LEAST: Final = frozenset(
    ("kv_cache_gib", "kv_tokens", "kv_blocks", "concurrency", "total_gib", "free_gib", "requested_gib")
)
"""Figures of which the smallest counts where ranks differ; of the others the largest does."""
_LATEST: Final = frozenset(("max_model_len",))
_RELEASE: Final = re.compile(
    r"(?:vLLM (?:API )?server version |Initializing an? (?:V[01] )?LLM engine \(v|.{0,60}[▀▄█] {1,4}version )"
    r"(?P<release>\d+\.\d+[\w.+-]{0,40})"
)
_ECHOES: Final = (
    "non-default args: ",
    "args: Namespace(",
    "vLLM server version ",
    "Initializing a V1 LLM engine (v",
    "Initializing a V0 LLM engine (v",
    "Initializing an LLM engine (v",
)
"""Lines that repeat what the server was given: no figure is taken from their line of code."""
_NOISE: Final = re.compile(
    r"INFO: +[\d.:a-f\[\]]+ - |nanobind: |\S+\.py:\d+: \w*Warning: |[\s|^~-]|See https://nanobind|$"
)


class StartupEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a start ended, as far as its log and its exit status say."""

    outcome: str
    """A value of `memory.Outcome`: `died` where no check of vLLM's explains the end; empty where nothing can
    be said."""
    error: str = ""
    """vLLM's own words: one clean line of at most 500 characters, without secrets."""
    stage: str = ""
    """Where it came from, or how far it had come, in an operator's words."""
    about: tuple[str, ...] = ()
    """What the refusal names: flags (`--load-format`), variables, files, and `tokenizer`, `processor`,
    `weights`, `NCCL`."""


class StartupLog:
    """Reads the lines of one container's log as they come."""

    def __init__(self) -> None:
        self.release = ""
        """As the log says it: `0.13.0`, `0.11.2+rhai5`; empty before it does."""
        self.stage = NOTHING
        """Where it is, in an operator's words."""
        self._figures: dict[str, float] = {}
        self._causes = Causes()
        self._echoes: set[str] = set()
        self._last = ""
        self._graphs_taken_off = False

    def feed(self, line: str) -> None:
        """One line, with or without its end."""
        for one in said(line):
            self._hear(one)

    @property
    def figures(self) -> dict[str, float]:
        """What it took so far, by the names of `Figure.what`; of several ranks the worst counts."""
        found = dict(self._figures)
        root = self._causes.root()
        if root and (meant := root.meaning) and meant.outcome in OF_MEMORY:
            for figure in error_figures(root.words):
                _take(found, figure)
        consumed, peak = found.pop("consumed_gib", None), found.pop("peak_gib", None)
        weights = found.get("weights_gib")
        if consumed is not None and weights is not None and "non_torch_gib" not in found:
            found["non_torch_gib"] = round(max(consumed - weights, 0.0), 4)
        if peak is not None and "activation_gib" not in found:
            graphs = found.get("graphs_estimated_gib", 0.0) if self._graphs_taken_off else 0.0
            found["activation_gib"] = round(max(peak - graphs, 0.0), 4)
        return found

    @property
    def last(self) -> str:
        """The last line that says something, clean and without secrets."""
        from modelcar_tui.core.secrets import quoted

        return quoted(self._last, limit=_LONGEST_LAST) if self._last else ""

    def end(self, *, healthy: bool, exit_status: int | None) -> StartupEnd:
        """How it ended.

        Args:
            healthy: whether the server answered `/health`.
            exit_status: of the container; None while it runs, or where nobody knows.
        """
        if healthy:
            return StartupEnd(outcome=STARTS, stage=SERVING)
        status = 128 - exit_status if exit_status and exit_status < 0 else exit_status
        root = self._causes.root()
        if root:
            return self._refused(root, status)
        if not status or (status > 127 and status not in _KILLED):
            return StartupEnd(outcome="", stage=self.stage)
        return StartupEnd(
            outcome=DIED, error="" if status in _KILLED else _told(self._last), stage=self.stage
        )

    def _refused(self, root: Thrown, exit_status: int | None) -> StartupEnd:
        meant = root.meaning
        outcome = meant.outcome if meant else DIED
        explained = outcome != DIED
        words = " ".join(one.words for one in self._causes.told_with(root))
        stage = (meant.stage if meant else "") or root.stage
        return StartupEnd(
            outcome=outcome if explained or exit_status else "",
            error=_told(root.words),
            stage=ARGUMENTS if stage == NOTHING else stage,
            about=subjects(words, () if explained else root.frames),
        )

    def _hear(self, one: Said) -> None:
        text = one.text
        if not _NOISE.match(text):
            self._last = text
        if not self.release and (match := _RELEASE.match(text)):
            self.release = match["release"]
            self._echoes.add(one.at)
        if text.startswith(_ECHOES):
            self._echoes.add(one.at)
        elif one.at not in self._echoes or not one.at:
            for figure in logged_figures(text):
                _take(self._figures, figure)
            if text.startswith("CUDA graph memory profiling is enabled "):
                self._graphs_taken_off = True
        begun = ARGUMENTS if self.release and self.stage == NOTHING else begun_by(text)
        if begun:
            self.stage = further(begun, self.stage)
            self._causes.progress(one.who, begun)
        self._causes.hear(one, self.stage)


def _take(figures: dict[str, float], figure: Figure) -> None:
    known = figures.get(figure.what)
    if known is not None and figure.what not in _LATEST:
        figures[figure.what] = (min if figure.what in _LEAST else max)(known, figure.value)
    else:
        figures[figure.what] = figure.value


def _told(words: str) -> str:
    from modelcar_tui.core.secrets import quoted

    return quoted(words, limit=_LONGEST_ERROR) if words else ""
