"""Ending a suite that runs, so that it takes back what it made on the cluster."""

from __future__ import annotations

from modelcar_tui.qa.suite import LOG_FILE

_BEGINS = "fixture: vllm_model_car_inference_service"
"""Stands in the log of every branch before it makes the object of a model."""


def interrupt_suite(limit_s: int) -> str:
    """A shell text for inside the container: SIGINT to pytest itself until it has ended, for so long at most.

    It exits 1 where it finds no pytest. `uv run`, the image's first process, does not pass a SIGINT on that
    was sent to it alone, and pytest tears its fixtures down (it deletes its namespace) on SIGINT only. While
    a model's object stands, that object takes the SIGINT: it is deleted, the model's test ends, and the suite
    goes on with the next model. So it is sent again, but only when another model's object is made: one that
    comes while the suite tears down would keep it from deleting its namespace. The brackets keep the text
    from finding itself.
    """
    return (
        'suite() { for p in /proc/[0-9]*; do case "$(cat "$p/cmdline" 2>/dev/null)" in '
        '*pytho[n]*pytes[t]*) echo "${p#/proc/}";; esac; done; }; '
        f"begun() {{ grep -c '{_BEGINS}' {LOG_FILE} 2>/dev/null; }}; "
        'now=$(suite); [ -n "$now" ] || exit 1; before=$(begun); kill -INT $now; t=0; '
        f'while [ $t -lt {limit_s} ] && [ -n "$(suite)" ]; do sleep 1; t=$((t + 1)); now=$(begun); '
        '[ "$now" = "$before" ] || { before=$now; kill -INT $(suite); }; done; exit 0'
    )
