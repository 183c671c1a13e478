"""The wheel: pip into an empty venv, and uvx, both without any network."""

import sys

from steps.archive import sha256
from steps.outside_tools import python_tool
from steps.project import Failed, Project

from .clients import python_client, serve
from .empty import Empty


def check(project: Project) -> list[str]:
    """What was tried; raises when something does not work."""
    wheel = next(project.out.glob("*.whl"))
    with Empty() as empty:
        venv = empty.folder / "venv"
        empty.run(sys.executable, "-m", "venv", venv)
        empty.run(venv / "bin" / "python", "-m", "pip", "install", "--no-index", wheel)
        python_client(project, empty, venv / "bin" / "replayer", *serve(empty))
        installed = venv / "libexec" / "replayer" / project.platform.library
        other = empty.folder / "elsewhere"
        empty.run(venv / "bin" / "python", "-m", "pip", "install", "--no-index", "--target", other, wheel)
        empty.run(other / "bin" / "replayer", "--version")
        if sha256(installed) != sha256(project.library):
            raise Failed(f"{installed.name} in the venv is not the one that was packed")
    with Empty() as empty:
        uvx = [python_tool("uvx"), "--offline", "--no-index", "--no-python-downloads", "--python", sys.executable,
               "--from", str(wheel)]
        for command in ("replayer", "replayer-mcp"):
            said = empty.run(*uvx, command, "--version").strip()
            if said != f"replayer {project.version}":
                raise Failed(f"uvx … {command} --version says {said!r}")
        python_client(project, empty, *uvx, "replayer", *serve(empty))
    return ["pip install, empty venv: Python client", "uvx --from: Python client"]
