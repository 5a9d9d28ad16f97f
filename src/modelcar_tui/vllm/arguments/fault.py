"""Why a server would not start with an argument: the shape of that answer."""

from __future__ import annotations

import msgspec

from modelcar_tui.vllm.argument_table import Flag


class ArgumentFault(msgspec.Struct, frozen=True):
    """Why the server would not start with one argument."""

    code: str
    """A stable short name, such as `flag-unknown`."""
    what: str
    """One sentence; a secret value is not in it."""
    flag: Flag | None = None
    """The argument that was meant, where that is known, in its newest shape."""
    fix: str = ""
    """How to mend it, in a few words; empty where the code says enough."""
    meant: str | None = None
    """The whole item that was meant; None where that can't be told."""
