"""Keeps the tracing of LangChain and LangSmith off: it would send a run to a third party, unasked."""

from __future__ import annotations

import os
import sys

_SWITCHES = (
    "LANGSMITH_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING_V2",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_HANDLER",
)
"""The last two are of LangChain's first tracer: where one is set, the library ends every call."""


def untraced() -> None:
    """Switch it off in this process, whatever the environment says. Call it before their libraries run."""
    os.environ.update(dict.fromkeys(_SWITCHES, "false"))
    if library := sys.modules.get("langsmith.utils"):
        library.get_env_var.cache_clear()  # it remembers what an embedding program's environment said
