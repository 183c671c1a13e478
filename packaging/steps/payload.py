"""What every package holds: the binary with DuckDB's library, what to read, licences, completions, manual pages."""

import os
import pathlib

from . import licences
from .archive import copy, fresh
from .project import ROOT, Project, run

SHELLS = {"bash": "replayer.bash", "zsh": "_replayer", "fish": "replayer.fish"}


class Payload:
    """The files, laid out under the work folder."""

    def __init__(self, project: Project):
        self.home = project.work / "payload"
        self.binary = self.home / "replayer"
        self.library = self.home / project.platform.library
        self.licence = self.home / "LICENSE"
        self.licences = self.home / "licences"

    def put_program(self, folder: pathlib.Path) -> None:
        """The binary and the library beside each other, as the binary's rpath wants it."""
        copy(self.binary, folder / self.binary.name, executable=True)
        copy(self.library, folder / self.library.name)

    def put_licences(self, folder: pathlib.Path) -> None:
        copy(self.licence, folder / self.licence.name)
        copy(self.licences, folder / self.licences.name)


def build(project: Project) -> None:
    """Has cargo build the binary; seconds when it is there. The package is named, as maturin names it: the workspace's other
    crates could ask for other features, and the two builds would differ."""
    options = {"cwd": ROOT, "env": {**os.environ, "CARGO_TERM_PROGRESS_WHEN": "never"}}
    command = ["cargo", "rustc", "--locked", "--package", "replayer", "--bin", "replayer", "--profile", project.profile]
    run(*command, "--", *project.rustc_flags, **options)


def lay_out(project: Project) -> Payload:
    payload = Payload(project)
    home = fresh(payload.home)
    copy(project.binary, payload.binary, executable=True)
    copy(project.library, payload.library)
    for name in ("LICENSE", "README.md", "CONTEXT.md"):
        copy(ROOT / name, home / name)
    copy(ROOT / "licences", payload.licences)
    copy(project.library.with_name("LICENSE"), payload.licences / "DuckDB.txt")
    (payload.licences / "third-party.txt").write_text(licences.of_crates(project))
    for shell, name in SHELLS.items():
        path = home / "completions" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(run(payload.binary, "completions", shell, quiet=True))
    run(payload.binary, "man", "--output", home / "man" / "man1", quiet=True)
    return payload
