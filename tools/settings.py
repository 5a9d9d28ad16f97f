"""Writes the tables of docs/settings.md, between their marks, from the table of settings: `make settings`."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.core.settings_table import KEYS, ROLES, Kind, default_said, described, variable_of

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def settings() -> str:
    """A row a setting."""
    rows = ["| setting | what | value | default | option | variable |", "|---|---|---|---|---|---|"]
    for name, key in KEYS.items():
        value = ", ".join(f"`{one}`" for one in key.choices) if key.choices else key.kind.value
        default = f"`{default_said(name)}`" if key.default is not None else default_said(name)
        option = f"`{key.option}`" if key.option else ""
        if key.kind is Kind.TRUTH or name == "ascii":
            option = f"`{key.option}`, `--no-{key.option.removeprefix('--')}`"
        rows.append(
            f"| `{name}` | {described(name)} | {value} | {default} | {option} | `{variable_of(name)}` |"
        )
    return "\n".join(rows)


def roles() -> str:
    """A row a role of a theme."""
    rows = ["| role | where it is seen |", "|---|---|"]
    return "\n".join((*rows, *(f"| `{role}` | {where} |" for role, where in ROLES.items())))


def page(text: str) -> str:
    """The page with its tables as they are to be."""
    for name, table in (("settings", settings()), ("roles", roles())):
        marks = f"<!-- {name}: by tools/settings.py -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(marks[0])
        after = rest.partition(marks[1])[2]
        text = f"{before}{marks[0]}\n\n{table}\n\n{marks[1]}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
