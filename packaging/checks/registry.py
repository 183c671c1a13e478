"""server.json against the rules of the MCP registry that are known (schema 2025-12-11 and its guide on package types), and
against the packages beside it."""

import json
import re
import tarfile
import zipfile

from steps.archive import sha256
from steps.project import PACKAGE, Failed, Project

ANNOUNCED = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def check(project: Project) -> list[str]:
    """What was looked at; raises when something is wrong."""
    server = json.loads((project.out / "server.json").read_text())
    _demand(server["$schema"] == ANNOUNCED, "the schema's address")
    _demand(re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", server["name"]), "the server's name")
    _demand(1 <= len(server["description"]) <= 100, "a description of 1 to 100 characters")
    _demand(1 <= len(server["title"]) <= 100, "a title of 1 to 100 characters")
    _demand(server["version"] == project.version, "the version")
    kinds = [package["registryType"] for package in server["packages"]]
    _demand(set(kinds) == {"npm", "pypi", "mcpb"}, "one package of each kind at least")
    for package in server["packages"]:
        _demand(package["version"] == project.version, f"the version of {package['identifier']}")
        _demand(package["transport"] == {"type": "stdio"}, "stdio as the transport")
        if package["registryType"] == "mcpb":
            _bundle(project, package)
        else:
            _demand(package["identifier"] == PACKAGE, f"{PACKAGE} as the name")
    _owned_by_the_same(project, server["name"])
    return ["names, versions, digests, owner's marks"]


def _demand(holds, what: str) -> None:
    if not holds:
        raise Failed(f"server.json: {what} is not as it has to be")


def _bundle(project: Project, package: dict) -> None:
    url = package["identifier"]
    _demand(re.fullmatch(r"https://github\.com/[^/]+/[^/]+/releases/download/v[^/]+/[^/]*mcp[^/]*", url),
            "the address of a bundle in a release")
    _demand(package["fileSha256"] == sha256(project.out / url.rsplit("/", 1)[1]), "a bundle's SHA-256")


def _owned_by_the_same(project: Project, name: str) -> None:
    """The registry looks for the server's name in the packages, to see that they have one owner."""
    with tarfile.open(project.out / f"{PACKAGE}-{project.version}.tgz") as tar:
        manifest = json.load(tar.extractfile("package/package.json"))
    _demand(manifest["mcpName"] == name, "mcpName in the npm package")
    with zipfile.ZipFile(next(project.out.glob("*.whl"))) as wheel:
        metadata = next(inner for inner in wheel.namelist() if inner.endswith(".dist-info/METADATA"))
        _demand(f"mcp-name: {name} " in wheel.read(metadata).decode(), "mcp-name in the wheel's description")
