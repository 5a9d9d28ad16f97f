"""Commands of ours in this process, with streams as a process of its own has them."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from modelcar_tui import agent, cli
from modelcar_tui.core.exit_codes import ExitStatus
from support.hostile_text import faults

MAINS = {"agent": agent.main, "modelcar-tui": cli.main}


def said(argv: list[str], program: str = "agent") -> tuple[int, bytes, bytes]:
    """Status, output and talk of a command."""
    data = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(one, "utf-8", "backslashreplace") for one in data)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", [program, *argv])
        status = MAINS[program](argv)
        out.flush()
        err.flush()
        return status, data[0].getvalue(), data[1].getvalue()


def harm(argv: list[str], program: str = "agent") -> list[str]:
    """What is wrong with the outputs of a command."""
    return harmed(*said(argv, program))


def harmed(status: int, out: bytes, err: bytes) -> list[str]:
    """What is wrong with outputs, whatever the command's status; a fault of ours always is."""
    found = [f"stdout {one}" for one in faults(out)] + [f"stderr {one}" for one in faults(err)]
    if status == ExitStatus.INTERNAL or b"Traceback" in err:
        found.append(f"status {status}: {err[-300:]!r}")
    return found
