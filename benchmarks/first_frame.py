"""First frame of the dashboard against a bare Textual app, over a real pty, interleaved in one run.

    python benchmarks/first_frame.py [ROUNDS]

The time runs from the start of the process to the first frame with a pane's title. Prints the medians and
their ratio; the dashboard may take at most 1.1 times the bare app, on an idle machine.
"""

from __future__ import annotations

import compileall
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pty"))

from terminal import Terminal  # noqa: E402

BARE = """
from textual.app import App
from textual.widgets import DataTable, Footer, Static
class Bare(App):
    def compose(self):
        yield Static("Configuration")
        yield DataTable()
        yield Footer()
Bare().run()
"""
LIMIT = 1.1


def first_frame(argv: list[str], mark: str) -> float:
    """Seconds to the first frame that shows `mark`."""
    with Terminal(argv, columns=120, rows=40) as terminal:
        seconds: float = terminal.wait_for(mark)
        return seconds


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    times: dict[str, list[float]] = {"bare Textual app": [], "modelcar-tui": []}
    compileall.compile_dir(
        ROOT / "src", quiet=2
    )  # as an installed package is; Textual's own bytecode is there too
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        sample = ROOT / "config-yaml" / "sample_modelcar_config.base.yaml"
        ours = [str(Path(sys.executable).parent / "modelcar-tui"), str(sample), "--gpu", "L40S:4"]
        ours += ["--state-dir", folder]
        for _ in range(rounds):
            times["bare Textual app"].append(first_frame([sys.executable, str(bare)], "Configuration"))
            times["modelcar-tui"].append(first_frame(ours, "Configuration"))
    for name, values in times.items():
        print(f"{name:18} min {min(values):.3f} s  median {statistics.median(values):.3f} s")
    ratio = statistics.median(times["modelcar-tui"]) / statistics.median(times["bare Textual app"])
    print(f"ratio of medians   {ratio:.2f}  (limit {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
