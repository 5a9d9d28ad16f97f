"""A vLLM source distribution, read as syntax trees: nothing of it is ever imported or run.

The source is a folder, a `.tar.gz`, or a version that pip's own session fetches into a temporary folder.
"""

from __future__ import annotations

import ast
import re
import sys
import tarfile
import tempfile
from functools import cached_property
from pathlib import Path

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

    def __init__(self, files: dict[str, str], version: str) -> None:
        self._files = files
        self.version = version
        self._trees: dict[str, ast.Module] = {}

    @classmethod
    def open(cls, where: str) -> Source:
        """Read a folder, an archive, or the version `where` from the package index.

        Raises:
            SystemExit: there is no vLLM source there.
        """
        path = Path(where)
        if path.is_dir():
            root = path if (path / "vllm").is_dir() else path.parent
            files = {
                str(file.relative_to(root)): file.read_text("utf-8") for file in root.glob("vllm/**/*.py")
            }
            name = root.resolve().name
        elif path.is_file():
            files, name = _unpack(path), path.name
        elif re.fullmatch(r"\d+(\.\w+)+", where):
            with tempfile.TemporaryDirectory() as folder:
                archive = Path(folder) / f"vllm-{where}.tar.gz"
                _fetch(where, archive)
                files, name = _unpack(archive), archive.name
        else:
            raise SystemExit(f"{where}: no folder, archive or version")
        if "vllm/engine/arg_utils.py" not in files:
            raise SystemExit(f"{where}: no vLLM source in it")
        match = re.search(r"(\d+(?:\.\w+)+?)(?:\.tar\.gz)?$", name)
        return cls(files, match.group(1) if match else "unknown")

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


def _unpack(path: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            inner = member.name.partition("/")[2]
            if (
                member.isfile()
                and inner.startswith("vllm/")
                and inner.endswith(".py")
                and member.size < _MAX_FILE
            ):
                handle = archive.extractfile(member)
                if handle is not None:
                    files[inner] = handle.read().decode("utf-8")
    return files


def _fetch(version: str, target: Path) -> None:
    """Pip's own session fetches it; a virtual environment made by uv has no pip, so others are asked, too."""
    import shutil
    import subprocess

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
    command = [able[0], "-c", _FETCH, f"vllm=={version}", str(target)]
    if subprocess.run(command, check=False, timeout=900).returncode or not target.exists():
        raise SystemExit(f"vllm {version} could not be fetched; give the archive's path")
