"""The MCPB bundle: unpacked by the official tool, started with the command that the official library makes of its manifest
and a user's settings, as a host does."""

import json
import shutil

from steps.mcpb import packer
from steps.outside_tools import node_tools
from steps.project import Failed, Project

from .clients import HERE, python_client
from .empty import Empty


def check(project: Project) -> list[str]:
    """What was tried; raises when something does not work."""
    bundle = next(project.out.glob("*.mcpb"))
    with Empty("node") as empty:
        unpacked = empty.folder / "unpacked"
        empty.run("node", packer(), "unpack", bundle, unpacked)
        empty.run("node", packer(), "validate", unpacked / "manifest.json")
        settings = {"data_root": str(empty.folder / "root"), "capture": False, "browser": False, "browser_port": 9333}
        script = node_tools() / "as_a_host.mjs"
        shutil.copyfile(HERE / "as_a_host.mjs", script)
        started = json.loads(empty.run("node", script, unpacked, json.dumps(settings)))
        found = python_client(project, empty, started["command"], *started["args"])
        manifest = json.loads((unpacked / "manifest.json").read_text())
        listed = sorted(tool["name"] for tool in manifest["tools"])
        if listed != found["tools"]:
            raise Failed(f"the manifest lists {listed}, the server has {found['tools']}")
        if manifest["version"] != project.version:
            raise Failed(f"the manifest's version is {manifest['version']}, not {project.version}")
    return ["official packer: validate, unpack", "started as a host does: Python client"]
