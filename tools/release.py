"""What a release is: wheel, source archive and software bill of materials of the committed tree.

    python tools/release.py [FOLDER]

All are made from `git archive HEAD` in a folder of their own, with the time of that commit, so that one
commit gives the same bytes anywhere: they are made twice and compared. The bill of materials (CycloneDX 1.6,
JSON) is that of a fresh environment in which the wheel was installed with the versions of `constraints.txt`;
the hashes are those of the archives that were installed there. What was made is tried there, too. Ends with 1
where something is not as it should be, and then writes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOLDS = (
    "modelcar_tui/cli.py",
    "modelcar_tui/agent.py",
    "modelcar_tui/py.typed",
    "modelcar_tui/styles/app.tcss",
    "modelcar_tui/samples/sample_modelcar_config.base.yaml",
    "modelcar_tui/demo_logs/success.log",
    "modelcar_tui/hardware/accelerators.json",
    "modelcar_tui/qa/log/qa_suite.yaml",
    "modelcar_tui/schemas/report.schema.json",
    "share/man/man1/agent.1",
    "share/man/man1/modelcar-tui.1",
    "dist-info/licenses/LICENSE",
)
"""Ends of names that a wheel has: one of each kind of file that is no code."""
NEVER = ("tests/", "tools/", "benchmarks/", "__pycache__", ".pyc", ".orig")
"""What no name in a wheel holds."""
TRIED = (
    (("modelcar-tui", "--version"), 0, "modelcar-tui"),
    (("agent", "--replay", "demo:no-go"), 1, "NO-GO"),
    (("agent", "lint", "SAMPLE"), 0, "judged by vLLM"),
)
"""What is run with the installed wheel, away from the tree: command, status, a word of its output."""


class NotAsItShouldBeError(Exception):
    """What was made is no release."""


def wrong_with(wheel: Path, places: tuple[str, ...]) -> list[str]:
    """What of a wheel's content is not as it should be.

    Args:
        wheel: The file.
        places: Paths of the machine that made it, which may stand nowhere in it.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        told = [f"{end} is not in it" for end in HOLDS if not any(name.endswith(end) for name in names)]
        told += [f"{name} has no place in it" for name in names if any(word in name for word in NEVER)]
        for name in names:
            data = archive.read(name)
            told += [f"{name} names {place}" for place in places if place.encode() in data]
    return told


def exported(folder: Path) -> Path:
    """The committed tree, in a folder of its own."""
    data = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    folder.mkdir()
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def built(tree: Path, out: Path, env: dict[str, str]) -> list[Path]:
    """Wheel and source archive of a tree."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)]
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
    return sorted(out.iterdir())


def installed(wheel: Path, tree: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """A fresh environment's Python, with the wheel alone in it; SHA-256 of what was installed, by name."""
    venv.create(folder, with_pip=False, symlinks=True)
    python, report = folder / "bin" / "python", folder / "report.json"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-cache-dir"]
    subprocess.run(
        [*pip, "-c", str(tree / "constraints.txt"), "--report", str(report), str(wheel)], check=True
    )
    hashes = {}
    for one in json.loads(report.read_text())["install"]:
        archive = one["download_info"].get("archive_info", {})
        if found := archive.get("hashes", {}).get("sha256"):
            hashes[plain(one["metadata"]["name"])] = str(found)
    return python, hashes


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def tried(python: Path, tree: Path, folder: Path) -> Iterator[str]:
    """What of `TRIED` does not do as it should."""
    folder.mkdir()
    env = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    sample = next((tree / "config-yaml").glob("*.base.yaml"))
    for command, status, word in TRIED:
        argv = [
            str(python.parent / command[0]),
            *(str(sample) if part == "SAMPLE" else part for part in command[1:]),
        ]
        found = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if found.returncode != status or word not in found.stdout + found.stderr:
            yield f"{' '.join(command)} ended with {found.returncode}: {found.stderr[-300:]}"


def bill(python: Path, tree: Path, hashes: dict[str, str], version: str, env: dict[str, str]) -> bytes:
    """The software bill of materials of an environment, valid by CycloneDX's own schema.

    Raises:
        NotAsItShouldBeError: it is not valid, or lacks a version or a hash.
    """
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--sv", "1.6"]
    command += ["--of", "JSON", "--pyproject", str(tree / "pyproject.toml"), str(python)]
    made = subprocess.run(command, check=True, capture_output=True, env=env).stdout
    found: dict[str, Any] = json.loads(made)
    found["metadata"]["component"]["version"] = version
    for one in found["components"]:
        # Where it was installed from is this machine's business.
        one.pop("externalReferences", None)
        if digest := hashes.get(plain(one["name"])):
            one["hashes"] = [{"alg": "SHA-256", "content": digest}]
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise NotAsItShouldBeError(f"the bill of materials is not valid: {error}")
    lacks = [one["name"] for one in found["components"] if not one.get("version") or not one.get("hashes")]
    if lacks or not found["components"]:
        raise NotAsItShouldBeError(f"without a version or a hash: {', '.join(lacks) or 'all'}")
    return text.encode()


def main(out: Path) -> int:
    """Make, compare, try, and only then put it all into `out`."""
    when = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    env = {**os.environ, "SOURCE_DATE_EPOCH": when, "PYTHONHASHSEED": "0"}
    env.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        folder = Path(name)
        tree, other = exported(folder / "tree"), exported(folder / "another")
        files, again = built(tree, folder / "out", env), built(other, folder / "again", env)
        wheel = next(file for file in files if file.suffix == ".whl")
        version = wheel.name.split("-")[1]
        told = wrong_with(wheel, (name, str(ROOT), str(Path.home()) + "/"))
        told += [
            f"{one.name} is not the same when it is made again"
            for one, two in zip(files, again, strict=True)
            if one.read_bytes() != two.read_bytes()
        ]
        python, hashes = installed(wheel, tree, folder / "fresh")
        told += tried(python, tree, folder / "elsewhere")
        try:
            made = {file.name: file.read_bytes() for file in files}
            made[f"modelcar_tui-{version}.cdx.json"] = bill(python, tree, hashes, version, env)
        except NotAsItShouldBeError as error:
            told.append(str(error))
        if told:
            print("\n".join(told), file=sys.stderr)
            return 1
        out.mkdir(exist_ok=True)
        sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in sorted(made.items()))
        for file, data in {**made, "SHA256SUMS": sums.encode()}.items():
            (out / file).write_bytes(data)
        components = len(json.loads(made[f"modelcar_tui-{version}.cdx.json"])["components"])
    print(
        f"{sums}{components} packages in the bill of materials; the wheel was made twice, installed and tried"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"))
