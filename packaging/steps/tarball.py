"""The tarball: everything in one folder, to be unpacked anywhere."""

import pathlib
import shutil

from .archive import fresh, tar_gz
from .payload import Payload
from .project import Project


def make(project: Project, payload: Payload) -> pathlib.Path:
    name = f"replayer-{project.version}-{project.platform.label}"
    folder = fresh(project.work / "tarball") / name
    shutil.copytree(payload.home, folder)
    packed = project.out / f"{name}.tar.gz"
    tar_gz(folder, packed, project.epoch)
    return packed
