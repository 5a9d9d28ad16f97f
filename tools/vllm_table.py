"""The rows of `vllm/vllm_arguments.json`, put together from what was read of each release."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from modelcar_tui.vllm.argument_table import argument_table
from modelcar_tui.vllm.arguments import flags_of
from modelcar_tui.vllm.release import parse_version
from vllm_arguments import Spec

TABLE = Path(__file__).parent.parent / "src" / "modelcar_tui" / "vllm" / "vllm_arguments.json"
_BY_HAND = ("deprecated", "instead")


def merged(read: dict[str, tuple[Spec, ...]], *, table: Path = TABLE) -> str:
    """The text of the table with the releases of `read` in it; those of the table that were not read stay.

    What no source says (`deprecated`, `instead`) is kept.

    Raises:
        SystemExit: an argument was gone in between: the table has no words for that.
    """
    ours = argument_table()
    releases = {version: tuple(map(_spec, flags_of(version))) for version in ours.versions} | read
    order = sorted(releases, key=lambda version: parse_version(version) or ())
    content = json.loads(table.read_bytes())
    content["versions"] = content["forms_read"] = order
    kept = {row["flag"]: {key: row[key] for key in _BY_HAND if key in row} for row in content["flags"]}
    by_flag = {version: {spec.flag: spec for spec in specs} for version, specs in releases.items()}
    flags = sorted({flag for specs in by_flag.values() for flag in specs})
    content["flags"] = [
        _row(flag, [(version, by_flag[version].get(flag)) for version in order], kept.get(flag, {}))
        for flag in flags
    ]
    return _text(content)


def _row(flag: str, history: list[tuple[str, Spec | None]], kept: dict[str, str]) -> dict[str, object]:
    has = [index for index, (_, spec) in enumerate(history) if spec is not None]
    lost = next((index for index in range(has[0], has[-1]) if index not in has), None)
    if lost is not None:
        raise SystemExit(f"{flag}: gone in {history[lost][0]} and back later; a row has no words for that")
    row: dict[str, object] = {"flag": flag, "first": history[has[0]][0]}
    if has[-1] + 1 < len(history):
        row["gone"] = history[has[-1] + 1][0]
    forms: list[dict[str, object]] = []
    last: Spec | None = None
    for version, spec in history:
        if spec is not None and spec != last:
            forms.append({"since": version, **_form(spec)})
            last = spec
    return row | kept | {"forms": forms}


def _form(spec: Spec) -> dict[str, object]:
    parts = {"kind": spec.kind, "choices": spec.choices, "aliases": spec.aliases, "none": spec.none}
    return {key: value for key, value in parts.items() if value}


def _spec(flag: object) -> Spec:
    return msgspec.convert(flag, Spec, from_attributes=True)


def _text(content: dict[str, object]) -> str:
    """One line a key, one line an argument."""
    lines = []
    for key, value in content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in value)
            lines.append(f' "{key}": [\n{rows}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
