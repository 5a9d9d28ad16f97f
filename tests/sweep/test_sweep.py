"""Every call of a run at its ports fails once: the run ends by itself, says so, and the others are judged.

The kinds of errors are spread over the calls by a fixed rule, half of them last (`sweep.once`); `make sweep`
takes all kinds at every call. In parts, so that workers share them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bench import bench

from sweep import once, swept

PARTS = 4
PORTS = ("child", "file", "kube", "registry")


def test_a_model_that_asks_too_much_is_no_go_and_an_error_makes_it_no_better() -> None:
    with bench() as made:
        plain = made.run(blocked=True)
        assert plain.status == 1 and plain.verdicts()["granite"] == ("NO-GO", "NO-GO")
        faults = [fault for fault in once(plain.calls) if "templates" in fault.call or "nodes" in fault.call]
        assert len(faults) > 1
        failures = [wrong for _, _, wrong in swept(made, plain, faults, blocked=True) if wrong]
    assert not failures


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_one_call_raises_costs_what_it_was_about(part: int) -> None:
    with bench() as made:
        plain = made.run()
        assert plain.status == 0 and {word for pair in plain.verdicts().values() for word in pair} == {"GO"}
        faults = once(plain.calls)
        assert len(faults) > 100 and {fault.call.split()[0] for fault in faults} == set(PORTS)
        raised, failures = 0, []
        for fault, told, wrong in swept(made, plain, faults[part::PARTS]):
            raised += told.raised > 0
            failures += [f"{fault}: {one}" for one in wrong]
    assert not failures, "\n".join(failures)
    assert raised >= len(faults[part::PARTS]) - 2, "a call of the plain run did not come again"
