"""Sessions of the official clients, in an empty environment."""

import json
import pathlib
import shutil

from steps.outside_tools import node_tools, python_tool
from steps.project import Failed, Project

from .empty import Empty

HERE = pathlib.Path(__file__).parent


def serve(empty: Empty) -> list[str]:
    """Arguments for a server on an empty data root that does not record."""
    return ["serve", "--capture", "off", "--data", str(empty.folder / "root")]


def python_client(project: Project, empty: Empty, command, *arguments) -> dict:
    """The official Python client starts the command, lists the tools and asks a question in SQL."""
    answered = empty.run(python_tool("python"), HERE / "session.py", command, *arguments)
    return _sound(project, json.loads(answered))


def typescript_client(project: Project, empty: Empty, command, *arguments) -> dict:
    """The official TypeScript client does the same."""
    # Node finds packages from where the script lies.
    script = node_tools() / "session.mjs"
    shutil.copyfile(HERE / "session.mjs", script)
    answered = empty.run("node", script, command, *arguments)
    return _sound(project, json.loads(answered))


def _sound(project: Project, found: dict) -> dict:
    if found["version"] != project.version or found["rows"] != [[42]] or len(found["tools"]) < 10:
        raise Failed(f"the session went, but what the server says is not as it should be: {found}")
    return found
