"""What pages may name before it is there: parts of the same release that are merged one after another.

Each set is empty when all of them are: take out what has come.
"""

FILES = frozenset(
    (
        "docs/reports.md",
        "docs/browser.md",
        "docs/settings.md",
        "docs/python.md",
        "docs/mcp.md",
        "docs/pictures/README.md",
        "docs/pictures/dashboard.svg",
    )
)
"""Files, as paths from the root."""
COMMANDS = frozenset(("report", "completion", "doctor", "mcp"))
"""Commands of `agent`."""
OPTIONS = frozenset(("--report", "--web", "--profile"))
"""Options of either program; each has a value but `--web`."""
TARGETS = frozenset(("pictures",))
"""Targets of make."""
