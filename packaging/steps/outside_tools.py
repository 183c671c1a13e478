"""The tools that others make, each pinned (packaging/tools) and in a folder of its own in the cache: nothing is installed
into the user's environment. Installed again when a pin changes."""

import os
import pathlib
import shutil
import sys

from .archive import sha256
from .project import ROOT, Failed, run

PINS = ROOT / "packaging" / "tools"


def _home() -> pathlib.Path:
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "replayer-build" / "dist-tools"


def _installed(folder: pathlib.Path, pins: pathlib.Path, install) -> pathlib.Path:
    stamp = folder / "pinned-by"
    if not stamp.is_file() or stamp.read_text() != sha256(pins):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install()
        stamp.write_text(sha256(pins))
    return folder


def python_tool(name: str) -> pathlib.Path:
    """`maturin`, `uvx`, or `python` with the official MCP client."""
    venv, pins = _home() / "python", PINS / "requirements.txt"

    def install() -> None:
        run(sys.executable, "-m", "venv", venv)
        run(venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins)

    return _installed(venv, pins, install) / "bin" / name


def node_tools() -> pathlib.Path:
    """A folder whose node_modules has the official bundle packer and the official TypeScript client."""
    folder, lock = _home() / "node", PINS / "package-lock.json"
    if not shutil.which("npm"):
        raise Failed("npm is not installed: the npm packages and the MCPB bundle are made with it")

    def install() -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PINS / name, folder / name)
        run("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return _installed(folder, lock, install)
