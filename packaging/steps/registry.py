"""server.json: what the MCP registry is given about the packages that lie in the folder. The bundles' digests are those
of the files, so this comes after them."""

import json
import pathlib

from . import mcpb
from .archive import sha256
from .project import PACKAGE, PLATFORMS, ROOT, Project

# How a client starts the program from npm and from Python's registry; a bundle's manifest says it itself.
ARGUMENTS = [{"type": "positional", "value": "serve"}]
ENVIRONMENT = [
    {"name": "RUGS_DATA_DIR", "description": "The data root: where recordings are kept. Default: rugs_data in the home folder",
     "format": "filepath"},
    {"name": "REPLAYER_CAPTURE", "description": "Whether it records while the client runs", "choices": ["on", "off"],
     "default": "on"},
    {"name": "REPLAYER_BROWSER", "description": "Whether it also listens to a Chrome with a remote-debugging port: on, off, or "
     "the address of the port", "default": "off"},
]


def make(project: Project) -> pathlib.Path:
    server = json.loads(project.fill(ROOT / "packaging" / "registry" / "server.json"))
    for kind, runner in (("npm", "npx"), ("pypi", "uvx")):
        server["packages"].append({
            "registryType": kind,
            "identifier": PACKAGE,
            "version": project.version,
            "runtimeHint": runner,
            "transport": {"type": "stdio"},
            "packageArguments": ARGUMENTS,
            "environmentVariables": ENVIRONMENT,
        })
    for platform in PLATFORMS:
        bundle = project.out / mcpb.file_name(project.version, platform.name)
        if bundle.is_file():
            server["packages"].append({
                "registryType": "mcpb",
                "identifier": f"https://github.com/{project.repository}/releases/download/v{project.version}/{bundle.name}",
                "version": project.version,
                "fileSha256": sha256(bundle),
                "transport": {"type": "stdio"},
            })
    path = project.out / "server.json"
    path.write_text(json.dumps(server, indent=2) + "\n")
    return path
