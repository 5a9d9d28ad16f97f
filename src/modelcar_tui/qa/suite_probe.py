"""Asking an image of the suite what it is, by reading its own sources: no pytest is started for it.

The script needs a POSIX shell with `id` and `cat`; podman's container and the Kubernetes probe Job run
the same one, and one reader takes what they print.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from modelcar_tui.qa.suite_facts import NEWEST, SuiteFacts, branches, facts_of
from modelcar_tui.qa.suite_source import ALWAYS, BESIDE_TEST, TEST_FILE, read_source

FORMAT = 3
"""Of what is kept of a probe; raised when a probe learns something else."""
PLACES = {"home": '"$HOME"', "cwd": ".", "tmp": "/tmp"}  # noqa: S108 - of the container
_FILE = "modelcar-tui reads "
_RUNTIMES = "tests/model_serving/model_runtime"
_WORD = re.compile(r"^(uid|gid|path|writable)=(.*)$", re.MULTILINE)


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned from the image itself."""

    facts: SuiteFacts
    uid: int | None = None
    gid: int | None = None
    """The user that the suite runs as."""
    writable: tuple[str, ...] = ()
    """Which of `home`, `cwd` and `tmp` that user can write to."""
    probed: bool = True
    """False where the facts are those of the image's tag, or of the newest release."""

    @property
    def test_path(self) -> str:
        """The test in the image; empty where it has none for model cars."""
        return self.facts.test


def assumed(image: str = "") -> Probe:
    """For an image that can't be asked: what its tag is known to hold, else what the newest release holds."""
    return Probe(facts=facts_of(image) or branches()[NEWEST], probed=False)


def probe_script() -> str:
    """The shell text whose output `read_probe` reads."""
    writes = "; ".join(
        f't={place}/.modelcar-tui-$$; if (: >"$t") 2>/dev/null; then rm -f "$t"; echo writable={name}; fi'
        for name, place in PLACES.items()
    )
    beside = " ".join(f'"${{t%/*}}/{name}"' for name in BESIDE_TEST)
    return (
        'echo "uid=$(id -u)"; echo "gid=$(id -g)"; '
        f"{writes}; f=; "
        f"for t in {_RUNTIMES}/*/{TEST_FILE} {_RUNTIMES}/*/*/{TEST_FILE}; do "
        f'if [ -r "$t" ]; then echo "path=$t"; f=$t; set -- {beside}; break; fi; done; '
        '[ -n "$f" ] || set --; '
        f'for f in {" ".join(ALWAYS)} "$@"; do '
        f'if [ -r "$f" ]; then echo "{_FILE}$f"; cat "$f"; echo; fi; done; echo "{_FILE}"'
    )


def read_probe(text: str, image: str = "") -> Probe:
    """Make a probe of what the script printed.

    Args:
        image: The image that was asked, for what its tag is known to hold where its sources can't be read.
    """
    head, *parts = re.split(rf"^{_FILE}", text, flags=re.MULTILINE)
    words = _WORD.findall(head)
    plain = dict(words)
    files = {path.strip(): body for path, _, body in (part.partition("\n") for part in parts)}
    facts = read_source(files, _path(plain.get("path", "")))
    # A conftest that takes no options, or a test that makes nothing, was not understood.
    understood = bool(facts.options) and bool(facts.namespaces or not facts.test)
    return msgspec.structs.replace(
        Probe(facts=facts) if understood else assumed(image),
        uid=_number(plain.get("uid", "")),
        gid=_number(plain.get("gid", "")),
        writable=tuple(value for name, value in words if name == "writable" and value in PLACES),
    )


def _path(text: str) -> str:
    """The test's path; empty for anything else, since it becomes an argument."""
    path = PurePosixPath(text)
    return str(path) if path.name == TEST_FILE and text.startswith(f"{_RUNTIMES}/") else ""


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
