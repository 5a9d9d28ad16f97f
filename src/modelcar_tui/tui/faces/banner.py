"""The header, the answer's rows, and the footer's keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelcar_tui.core.text import reveal
from modelcar_tui.kube import Rung
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.answer import banner_height, banner_rows
from modelcar_tui.tui.rows import Row, Span, crop_middle, row, spans_width, width

if TYPE_CHECKING:
    from modelcar_tui.cluster.types import AcceleratorReport
    from modelcar_tui.manifest import Manifest
    from modelcar_tui.tui.playing import Played

__all__ = ["banner_height", "banner_rows", "header_row", "header_rows", "keys_row"]
_LEAST_FOLDER = 16
"""Cells below which a cut folder tells nothing."""
_LEAST_HOST = 12
"""Cells below which a cut host tells nothing."""


def header_rows(face: Face, screen: str, cells: int) -> list[Row]:
    """The header; below it the language model that is asked, as long as one is, where it has no room above.

    Args:
        face: what is shown.
        screen: title of the screen, empty on the dashboard.
        cells: width of the screen.
    """
    first, told = header_row(face, screen, cells), asked_model(face)
    if face.played is not None:
        return [first, _playing(face, face.played, cells)]
    if not told or any(told in text for text, _ in first.spans):
        return [first]
    told = _cut_model(*asked_parts(face), cells - 2, face.glyphs.ellipsis)
    return [first, row((f" {told}".ljust(cells), "label"))]


def _playing(face: Face, played: Played, cells: int) -> Row:
    from modelcar_tui.tui.faces.playing import playing_row  # the first frame is no replay's

    return playing_row(face, played, cells)


def asked_model(face: Face) -> str:
    """`model: gemini-3.8-flash @ generativelanguage.googleapis.com`; empty where none is asked."""
    name, host = asked_parts(face)
    return f"{_MODEL_IS}{name} @ {host}" if name else ""


def asked_parts(face: Face) -> tuple[str, str]:
    """Name and host of the language model that is asked; two empty texts where none is, as in a replay."""
    llm = face.state.llm
    if face.replay or not llm.asked or not llm.model:
        return "", ""
    return reveal(llm.model.partition(":")[2] or llm.model), reveal(llm.host)


def _cut_model(name: str, host: str, cells: int, ellipsis: str) -> str:
    """That it is asked, and its name, go last; the host is cut in its middle first."""
    head = f"{_MODEL_IS}{name} @ "
    if (room := cells - width(head)) >= min(_LEAST_HOST, width(host)):
        return head + crop_middle(host, room, ellipsis)
    return _MODEL_IS + crop_middle(name, cells - width(_MODEL_IS), ellipsis)


def header_row(face: Face, screen: str, cells: int) -> Row:
    """The manifest at the left, its file's name whole; at the right what it is judged by: cluster, user,
    OpenShift AI, vLLM, run, as many as there is room for.

    Args:
        face: what is shown.
        screen: title of the screen, empty on the dashboard.
        cells: width of the screen.
    """
    state, dot = face.state, face.glyphs.dot
    marks: list[Span] = []
    if state.demo:
        marks.append((" DEMO ", "demo"))
    if face.replay:
        marks.append((" REPLAY ", "wait-block"))
    if face.slow:
        marks.append((" slow line ", "wait-block"))
    title = f" {dot} {screen}" if screen else ""
    folder, name = os.path.split(reveal(state.path or "starting"))
    room = cells - 1 - width(title) - spans_width(marks) - 1
    name = crop_middle(name, room, face.glyphs.ellipsis)
    told = _fitting(face, room - width(name) - 2, f" {dot} ")
    right = f" {told} " if told else ""
    left = room - width(name) - width(right)
    path = f"{crop_middle(folder, left - 1, face.glyphs.ellipsis)}/{name}" if _worth(folder, left) else name
    gap = " " * max(0, cells - 1 - width(path) - width(title) - width(right) - spans_width(marks))
    spans = ((" ", "bar"), (path, "bar"), (title, "label"), (gap, "bar"), (right, "label"), *marks)
    return Row(tuple(span for span in spans if span[0]))


def _worth(folder: str, room: int) -> bool:
    return bool(folder) and room - 1 >= min(width(folder), _LEAST_FOLDER)


def _fitting(face: Face, room: int, dot: str) -> str:
    """The facts for which there is room, the most important taken first, in the order in which they are
    read."""
    taken: dict[int, str] = {}
    for place, forms in sorted(_facts(face), key=lambda fact: _IMPORTANCE.index(fact[0])):
        for form in forms:
            others = [text for at, text in sorted({**taken, place: form}.items())]
            if width(dot.join(others)) <= room:
                taken[place] = form
                break
    return dot.join(text for _, text in sorted(taken.items()))


_CLUSTER, _USER, _AI, _VLLM, _RUN, _MODEL = range(6)
_IMPORTANCE = (_CLUSTER, _VLLM, _MODEL, _USER, _RUN, _AI)
_MODEL_IS = "model: "


def _facts(face: Face) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each with its place and its forms from long to short; what is still looked up is not told."""
    state, report = face.state, face.state.cluster
    if report is not None:
        access = report.access
        yield _CLUSTER, _cluster(access.rung, short_host(access.server))
        if access.healthy and access.user:
            yield _USER, (reveal(access.user),)
        if report.versions.ai:
            yield _AI, (report.versions.ai.replace(" Self-Managed", ""),)
    if state.vllm:
        yield _VLLM, (f"vLLM {state.vllm} (--vllm)",)
    elif report is not None and (own := _own_releases(state.manifest, report)):
        yield _VLLM, own
    elif report is not None:
        version = report.runtime.version if report.runtime is not None else None
        yield _VLLM, (f"vLLM {version} (cluster's)", f"vLLM {version}") if version else ("vLLM ?",)
    if state.run_id:
        yield _RUN, (f"run {state.run_id.rpartition('-')[2]}",)
    if told := asked_model(face):
        yield _MODEL, (told,)


def _own_releases(manifest: Manifest | None, report: AcceleratorReport) -> tuple[str, ...]:
    from modelcar_tui.tui.faces.releases import own_releases  # the first frame has no report yet

    return own_releases(manifest, report)


def _cluster(rung: Rung, host: str) -> tuple[str, ...]:
    if rung is Rung.OK:
        return (host,)
    if rung is Rung.WHAT_IF:
        return ("what-if GPUs",)
    return (f"{host}: {rung}", "no cluster") if host and rung is not Rung.NO_KUBECONFIG else ("no cluster",)


def short_host(server: str) -> str:
    """`api.prod` of `https://api.prod.example.com:6443`; an address is told whole, without its port."""
    host = reveal(server.rpartition("://")[2].partition("/")[0])
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    host = host.partition(":")[0]
    return host if host.replace(".", "").isdigit() else ".".join(host.split(".")[:2])


def keys_row(keys: list[tuple[str, str]], message: str, cells: int) -> Row:
    """The footer: a message if there is one, else the keys that work here; the last of them is always
    shown."""
    if message:
        return row((f" {message}".ljust(cells), "bar"))
    spans: list[Span] = []
    used = 0
    kept = sum(len(part) for part in keys[-1]) + 3 if keys else 0
    for at, (key, label) in enumerate(keys):
        need = len(key) + len(label) + 3
        if used + need <= (cells if at == len(keys) - 1 else cells - kept):
            spans += [(f" {key} ", "key"), (f"{label} ", "label")]
            used += need
    return Row((*spans, (" " * (cells - used), "bar")))
