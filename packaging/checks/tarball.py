"""The tarball: the sums, and the binary run from where it was unpacked."""

import tarfile

from steps.archive import sha256
from steps.payload import SHELLS
from steps.project import Failed, Project

from .clients import python_client, serve
from .empty import Empty

# What else a reader expects in it.
HOLDS = ["README.md", "CONTEXT.md", "LICENSE", "licences/DuckDB.txt", "licences/DejaVu.txt", "licences/third-party.txt",
         "man/man1/replayer.1", "man/man1/replayer-serve.1", *(f"completions/{name}" for name in SHELLS.values())]


def check(project: Project) -> list[str]:
    """What was tried; raises when something does not work."""
    _sums_are_right(project)
    packed = next(project.out.glob("*.tar.gz"))
    with Empty() as empty:
        with tarfile.open(packed) as tar:
            tar.extractall(empty.folder / "unpacked", filter="data")
        folder = empty.folder / "unpacked" / packed.name.removesuffix(".tar.gz")
        missing = [name for name in HOLDS if not (folder / name).is_file() or not (folder / name).stat().st_size]
        if missing:
            raise Failed(f"the tarball lacks {', '.join(missing)}")
        python_client(project, empty, folder / "replayer", *serve(empty))
    return ["SHA256SUMS", "run from another folder: Python client"]


def _sums_are_right(project: Project) -> None:
    """Every file is in SHA256SUMS, with its own sum."""
    lines = (project.out / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    files = {path.name for path in project.out.iterdir()} - {"SHA256SUMS"}
    if set(sums) != files:
        raise Failed(f"SHA256SUMS and dist/ differ in {', '.join(sorted(set(sums) ^ files))}")
    for name, digest in sums.items():
        if sha256(project.out / name) != digest:
            raise Failed(f"{name} has another SHA-256 than SHA256SUMS says")
