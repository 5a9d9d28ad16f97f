"""The rows of `vllm_arguments.json`: a release's own command line, merged with those in the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.vllm import parse_version
from vllm_judge.source import Source
from vllm_tables.asked import Spec, asked
from vllm_tables.history import before, ordered
from vllm_tables.layout import load, text_of

FILE = "vllm_arguments.json"
_BY_HAND = ("deprecated", "instead")
_FORM = ("kind", "choices", "aliases", "none")


class Arguments:
    """The table; what no source says (`deprecated`, `instead`) stays as it is."""

    name = "arguments"

    def read(self, source: Source) -> tuple[Spec, ...]:
        """Every argument of the server, sorted by name."""
        return () if source.root is None else asked(source.root, source.version).specs

    def merge(self, folder: Path, read: Mapping[str, tuple[Spec, ...]]) -> list[str]:
        """Put releases into the file below `folder`; says what changed, a line a fact.

        Raises:
            SystemExit: an argument was gone in between: the table has no words for that.
        """
        content = load(folder / FILE)
        releases = _unrolled(content) | {
            release: {spec.flag: spec for spec in specs} for release, specs in read.items()
        }
        order = ordered(releases)
        content["versions"] = content["forms_read"] = order
        kept = {row["flag"]: {key: row[key] for key in _BY_HAND if key in row} for row in content["flags"]}
        content["flags"] = [
            _row(flag, [(release, releases[release].get(flag)) for release in order], kept.get(flag, {}))
            for flag in sorted({flag for specs in releases.values() for flag in specs})
        ]
        (folder / FILE).write_text(text_of(content, levels=2), "utf-8")
        return [line for release in ordered(read) for line in _said(release, releases)]


def _unrolled(content: Mapping[str, Any]) -> dict[str, dict[str, Spec]]:
    """The arguments of each release that the table names."""
    found: dict[str, dict[str, Spec]] = {release: {} for release in content["versions"]}
    for row in content["flags"]:
        gone = parse_version(row.get("gone"))
        for release, specs in found.items():
            number = parse_version(release) or ()
            forms = [form for form in row["forms"] if (parse_version(form["since"]) or ()) <= number]
            if forms and (gone is None or number < gone):
                parts = {key: value for key, value in forms[-1].items() if key in _FORM}
                specs[row["flag"]] = msgspec.convert({"flag": row["flag"], **parts}, Spec)
    return found


def _row(flag: str, history: list[tuple[str, Spec | None]], kept: dict[str, str]) -> dict[str, Any]:
    has = [index for index, (_, spec) in enumerate(history) if spec is not None]
    lost = next((index for index in range(has[0], has[-1]) if index not in has), None)
    if lost is not None:
        raise SystemExit(f"{flag}: gone in {history[lost][0]} and back later; a row has no words for that")
    row: dict[str, Any] = {"flag": flag, "first": history[has[0]][0]}
    if has[-1] + 1 < len(history):
        row["gone"] = history[has[-1] + 1][0]
    forms: list[dict[str, Any]] = []
    last: Spec | None = None
    for release, spec in history:
        if spec is not None and spec != last:
            forms.append({"since": release, **_form(spec)})
            last = spec
    return row | kept | {"forms": forms}


def _form(spec: Spec) -> dict[str, Any]:
    parts = {key: getattr(spec, key) for key in _FORM}
    return {key: value for key, value in parts.items() if value}


def _said(release: str, releases: Mapping[str, Mapping[str, Spec]]) -> Iterator[str]:
    previous = before(release, releases)
    if previous is None:
        return
    old, new = releases[previous], releases[release]
    for word, flags in (("new", set(new) - set(old)), ("gone", set(old) - set(new))):
        if flags:
            yield f"arguments {word}: {', '.join(sorted(flags))}"
    for flag in sorted(set(old) & set(new)):
        if old[flag] != new[flag]:
            yield f"argument {flag}: {_difference(old[flag], new[flag])}"


def _difference(old: Spec, new: Spec) -> str:
    parts = []
    if old.kind != new.kind:
        parts.append(f"{old.kind} -> {new.kind}")
    for word, words in (
        ("with", set(new.choices) - set(old.choices)),
        ("without", set(old.choices) - set(new.choices)),
    ):
        if words:
            parts.append(f"{word} {', '.join(sorted(words))}")
    if old.aliases != new.aliases:
        parts.append(f"{' '.join(old.aliases) or 'no short form'} -> {' '.join(new.aliases) or 'none'}")
    if old.none != new.none:
        parts.append("takes none" if new.none else "takes no none")
    return "; ".join(parts)


TABLE = Arguments()
