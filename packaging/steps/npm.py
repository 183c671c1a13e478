"""The npm packages: one with the binary for this platform, and a thin one that starts whichever is installed."""

import json
import pathlib

from .archive import copy, fresh
from .payload import Payload
from .project import PACKAGE, PLATFORMS, ROOT, Project, run

TEMPLATES = ROOT / "packaging" / "npm"


def make(project: Project, payload: Payload) -> list[pathlib.Path]:
    """The platform's package and the main one, packed by npm itself."""
    return [_pack(project, _platform(project, payload)), _pack(project, _main(project, payload))]


def _platform(project: Project, payload: Payload) -> pathlib.Path:
    home = fresh(project.work / "npm" / project.platform.name)
    manifest = json.loads(project.fill(TEMPLATES / "platform" / "package.json"))
    if project.platform.os == "linux":
        manifest["libc"] = ["glibc"]
    (home / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    payload.put_program(home / "bin")
    payload.put_licences(home)
    return home


def _main(project: Project, payload: Payload) -> pathlib.Path:
    """The same on every platform that it is made on, so that a release can take any of them."""
    home = fresh(project.work / "npm" / "main")
    manifest = json.loads(project.fill(TEMPLATES / "main" / "package.json"))
    manifest["optionalDependencies"] = {f"{PACKAGE}-{known.name}": project.version for known in PLATFORMS}
    (home / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    copy(TEMPLATES / "main" / "replayer.js", home / "replayer.js", executable=True)
    copy(ROOT / "README.md", home / "README.md")
    copy(payload.licence, home / payload.licence.name)
    return home


def _pack(project: Project, home: pathlib.Path) -> pathlib.Path:
    packed = json.loads(run("npm", "pack", "--json", "--pack-destination", project.out, cwd=home))
    # npm 11 answers with a list, later ones with an object by name.
    entry = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
    return project.out / entry["filename"]
