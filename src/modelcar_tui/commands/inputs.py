"""What is judged where it is no file: standard input, a command line of vLLM, what runs on a cluster.

Each is kept as a file first, and its path takes the place of FILE: from there on all is as with any file.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from modelcar_tui.core.errors import Problem, UserError

if TYPE_CHECKING:
    from modelcar_tui.cluster import ServingObjects

STDIN = "-"
"""FILE for standard input."""
STDIN_NAME, LINE_NAME, CLUSTER_NAME = "stdin.yaml", "serve-line.sh", "cluster.yaml"
_PIPE = "pipe a manifest in: helm template CHART | modelcar-tui -"


def settle(args: argparse.Namespace) -> None:
    """Put the path of what was given another way where FILE stands; a second call changes nothing.

    Raises:
        UserError: nothing was given, it can't be kept, or the cluster does not tell.
    """
    place = "manifest" if hasattr(args, "manifest") else "config"
    data, name = b"", ""
    if getattr(args, "serve_line", None) is not None:
        data, name = line_bytes(args.serve_line), LINE_NAME
    elif getattr(args, "from_cluster", None) is not None:
        data, name = _cluster_bytes(args), CLUSTER_NAME
    elif getattr(args, place, None) == STDIN:
        data, name = stdin_bytes(), STDIN_NAME
    if not name:
        return
    from modelcar_tui.commands.options import settings_fields
    from modelcar_tui.supervisor import Settings, keep_input

    setattr(args, place, str(keep_input(Settings(manifest="", **settings_fields(args)), data, name)))
    args.serve_line = args.from_cluster = None


def given(args: argparse.Namespace) -> bool:
    """Whether something to judge was given another way than as a file."""
    return any(getattr(args, name, None) is not None for name in ("serve_line", "from_cluster"))


def stdin_bytes() -> bytes:
    """All of standard input.

    Raises:
        UserError: it is a terminal, empty, too large, or can't be read.
    """
    from modelcar_tui.supervisor import MOST_BYTES

    where = "standard input"
    if sys.stdin.isatty():
        raise UserError(Problem(where=where, what="is a terminal, and `-` reads a pipe", fix=_PIPE))
    try:
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UserError(Problem(where=where, what=f"can't be read: {why}", fix=_PIPE)) from None
    if len(data) > MOST_BYTES:
        what = f"is larger than {MOST_BYTES // 1024**2} MiB"
        raise UserError(Problem(where=where, what=what, fix="pipe in only what serves models"))
    if not data.strip():
        raise UserError(Problem(where=where, what="is empty", fix=_PIPE))
    return data


def line_bytes(line: str) -> bytes:
    """A command line as the file that is read.

    Raises:
        UserError: it is empty, or holds what no file of text can.
    """
    where, fix = "--serve-line", "write it in quotes: --serve-line 'vllm serve MODEL --flag=value'"
    if not line.strip():
        raise UserError(Problem(where=where, what="is empty", fix=fix))
    try:
        return f"{line.strip()}\n".encode()
    except UnicodeEncodeError:
        raise UserError(Problem(where=where, what="is no UTF-8", fix=fix)) from None


def keys_from_terminal() -> None:
    """Take the keys from the terminal itself, where standard input was a pipe that has been read; without a
    terminal standard input stays as it is."""
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
        os.dup2(terminal, 0)
        os.close(terminal)


def _cluster_bytes(args: argparse.Namespace) -> bytes:
    from modelcar_tui.cluster import read_serving_objects
    from modelcar_tui.commands.guard import complain
    from modelcar_tui.core.loops import run_once
    from modelcar_tui.kube import ClusterOptions

    where: tuple[str, str, str] = args.from_cluster
    namespace, kind, name = where
    options = ClusterOptions(kubeconfig=args.kubeconfig, context=args.kube_context, namespace=namespace)
    found = run_once(read_serving_objects(options, namespace, name, kind))
    for problem in found.unread:
        complain(f"note: not read: {problem}")
    return cluster_text(found).encode()


def cluster_text(found: ServingObjects) -> str:
    """The objects as one YAML file; the same objects give the same text."""
    import yaml

    from modelcar_tui.core.text import clean

    class Plain(yaml.SafeDumper):
        """No aliases, and texts of several lines as blocks, so that each line can be changed."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Plain.add_representer(str, text)
    head = [
        f"# read from namespace {clean(found.namespace)} of the cluster; status and the like are left out"
    ]
    head += [f"# not read: {clean(str(problem))}" for problem in found.unread]
    body = yaml.dump_all(
        found.objects, Dumper=Plain, sort_keys=False, explicit_start=True, width=10**6, allow_unicode=True
    )
    return "\n".join((*head, body))
