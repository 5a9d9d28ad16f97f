"""Compare our tables with a vLLM release, so that the next release is an hour's work.

    python tools/derive_tables.py vllm-0.33.0.tar.gz [more archives, folders, versions ...] [--json FILE]
    [--write]

Reads minimum capabilities, method names and the command line by `ast` alone (nothing of vLLM's is imported or
run) and prints every disagreement with the tables of `vllm/`. Exit status 1 when there is one. `--json`
writes what was read, for copying into the tables; `--write` puts the arguments into theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "src")]

from modelcar_tui.vllm.argument_table import argument_table  # noqa: E402
from modelcar_tui.vllm.arguments import flags_of  # noqa: E402
from modelcar_tui.vllm.pipelines import pipeline_table  # noqa: E402
from modelcar_tui.vllm.quantization_table import quantization_table  # noqa: E402
from modelcar_tui.vllm.release import at, parse_version, stand_in  # noqa: E402
from vllm_arguments import Arguments, Spec  # noqa: E402
from vllm_capabilities import methods, minimum_capabilities  # noqa: E402
from vllm_judge.source import Source  # noqa: E402
from vllm_pipelines import without_pipeline  # noqa: E402
from vllm_table import TABLE, merged  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    """Print the disagreements of each source; 0 when there is none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="archive, folder or version")
    parser.add_argument("--json", dest="output", help="write what was read to this file")
    parser.add_argument("--write", action="store_true", help="put the arguments into our table")
    options = parser.parse_args(argv)
    read: dict[str, object] = {}
    arguments: dict[str, tuple[Spec, ...]] = {}
    wrong = 0
    for where in options.sources:
        source = Source.open(where)
        capabilities, specs = minimum_capabilities(source), Arguments(source).specs()
        arguments[source.version] = specs
        pipelines = without_pipeline(source)
        faults = [
            *compare_capabilities(source.version, capabilities),
            *compare_arguments(source.version, specs),
            *compare_pipelines(source.version, pipelines),
        ]
        wrong += len(faults)
        print(
            f"vLLM {source.version}: {len(capabilities)} classes, {len(specs)} arguments, "
            f"{len(faults)} disagreements"
        )
        print("\n".join(f"  {fault}" for fault in faults) or "  none")
        read[source.version] = {
            "min_capability": capabilities,
            "methods": methods(source),
            "arguments": msgspec.to_builtins(specs),
            "without_pipeline": pipelines,
        }
    if options.output:
        Path(options.output).write_text(json.dumps(read, indent=1, sort_keys=True) + "\n", "utf-8")
    if options.write:
        TABLE.write_text(merged(arguments), "utf-8")
    return 1 if wrong else 0


def compare_capabilities(version: str, found: dict[str, int]) -> list[str]:
    """Classes whose minimum capability is another one in our table, and config classes that it lacks."""
    table = quantization_table()
    release = stand_in(parse_version(version), table.versions)
    faults = []
    for name, history in table.min_capability.items():
        ours = at(history, release, None)
        if ours != found.get(name):
            faults.append(f"{name}: the table says {_say(ours)}, the source {_say(found.get(name))}")
    missing = [name for name in found if _matters(name) and name not in table.min_capability]
    return faults + [f"{name}: not in the table, the source says {found[name]}" for name in sorted(missing)]


def compare_arguments(version: str, specs: tuple[Spec, ...]) -> list[str]:
    """Arguments that one side lacks, or whose type, choices or short forms differ."""
    ours = {flag.flag: flag for flag in flags_of(version)}
    theirs = {spec.flag: spec for spec in specs}
    faults = [f"{name}: the table has it, the source does not" for name in sorted(set(ours) - set(theirs))]
    faults += [f"{name}: the source has it, the table does not" for name in sorted(set(theirs) - set(ours))]
    read = argument_table().forms_read
    if version not in read and parse_version(version) <= parse_version(read[-1]):  # type: ignore[operator]
        return faults
    for name in sorted(set(ours) & set(theirs)):
        for part in ("kind", "choices", "aliases", "none"):
            mine, his = getattr(ours[name], part), getattr(theirs[name], part)
            if mine != his:
                faults.append(f"{name}: {part} is {mine!r} in the table and {his!r} in the source")
    return faults


def compare_pipelines(version: str, found: tuple[str, ...]) -> list[str]:
    """Architectures about whose pipeline stages table and source differ; only for the releases in the
    table."""
    ours = pipeline_table().without.get(version)
    if ours is None:
        return []
    faults = [f"{name}: the source has no pipeline stages for it" for name in sorted(set(found) - set(ours))]
    return faults + [
        f"{name}: the table denies it pipeline stages" for name in sorted(set(ours) - set(found))
    ]


def _matters(name: str) -> bool:
    """Config classes and schemes decide; kernels and layers are chosen afterwards."""
    return name.endswith("Config") or name.startswith(("CompressedTensors", "Quark"))


def _say(value: int | None) -> str:
    return "absent" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
