"""Where in the log the cause of a failed run stands: the line to jump to."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.qa.log.saying import quiet
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.types import FAILED_STATUSES, QaOutcome

_SHORTEST = 16
"""Characters of a piece that is looked for: fewer stand in lines that tell something else."""
_LONGEST = 80
"""What is longer may be cut or wrapped in the log."""
_BATCH = 4_096


def root_line(spool: Path, outcome: QaOutcome) -> int | None:
    """The number, counted from 1, of the first line that tells the outcome's cause.

    The suite's own lines go before ours, a longer piece of the cause before a shorter one. None where the run
    passed, has no cause, or its cause is in no line.
    """
    wanted = _pieces(outcome)
    if outcome.ok or not wanted:
        return None
    suite, ours = _first_lines(spool, wanted)
    found = next((suite[piece] for piece in wanted if piece in suite), None)
    if found is None:
        found = next((ours[piece] for piece in wanted if piece in ours), None)
    return None if found is None else found + 1


def _first_lines(spool: Path, wanted: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """The first line of each piece, of the suite and of ours; no further than to the best one's."""
    reader, place = SpoolReader(spool), 0
    suite: dict[str, int] = {}
    ours: dict[str, int] = {}
    while lines := reader.lines(place, _BATCH):
        place += len(lines)
        for line in lines:
            held = [piece for piece in wanted if piece in line.text]
            if not held or quiet(line.text):
                continue
            found = suite if line.origin is Origin.SUITE else ours
            for piece in held:
                found.setdefault(piece, line.number)
            if wanted[0] in suite:
                return suite, ours
    return suite, ours


def _pieces(outcome: QaOutcome) -> list[str]:
    """What to look for, most telling first: the cause, and the cause without the words before it that are
    ours (the model's name, `its server ends at the start`)."""
    texts = [outcome.cause, *(one.line for one in outcome.models if one.status in FAILED_STATUSES)][:2]
    pieces: list[str] = []
    for text in texts:
        rest = text.removeprefix("… ").strip()
        while len(rest) >= _SHORTEST:
            pieces.append(rest[:_LONGEST])
            rest = rest.partition(": ")[2]
    return list(dict.fromkeys(pieces))
