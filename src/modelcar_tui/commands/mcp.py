"""`agent mcp`: the read-only tools, for programs that speak the Model Context Protocol."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.installing import install_libraries
from modelcar_tui.mcp import Asking


def run_mcp(asking: Asking) -> int:
    """Serve on standard input and output until the client closes its end; status 0 then.

    Raises:
        UserError: the SDK is not installed, or a root is no folder.
    """
    if not _installed():
        what = "the package mcp is not installed"
        raise UserError(Problem(where="agent mcp", what=what, fix=install_libraries("mcp")))
    from modelcar_tui.mcp import serve

    if sys.stdin.isatty():
        complain("note: it waits for a program's messages on standard input (docs/mcp.md); Ctrl-C ends it")
    serve(asking)
    return ExitStatus.GO


def _installed() -> bool:
    try:
        return find_spec("mcp") is not None and find_spec("mcp_types") is not None
    except (ImportError, ValueError):
        return False
