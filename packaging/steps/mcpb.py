"""The MCPB bundle, for hosts that install a server from one file (Claude Desktop): validated and packed by the official
packer."""

import pathlib

from .archive import copy, fresh
from .outside_tools import node_tools
from .payload import Payload
from .project import ROOT, Project, run

TEMPLATES = ROOT / "packaging" / "mcpb"


def packer() -> pathlib.Path:
    return node_tools() / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"


def file_name(version: str, platform_name: str) -> str:
    return f"replayer-{version}-{platform_name}.mcpb"


def make(project: Project, payload: Payload) -> pathlib.Path:
    home = fresh(project.work / "mcpb")
    (home / "manifest.json").write_text(project.fill(TEMPLATES / "manifest.json"))
    payload.put_program(home / "server")
    payload.put_licences(home)
    bundle = project.out / file_name(project.version, project.platform.name)
    run("node", packer(), "validate", home / "manifest.json")
    run("node", "--require", TEMPLATES / "fixed-date.cjs", packer(), "pack", home, bundle, env=project.environment)
    return bundle
