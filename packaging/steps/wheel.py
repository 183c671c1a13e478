"""The Python wheel: maturin packs the binary that cargo has built; DuckDB's library lies beside it under libexec/replayer."""

import pathlib
import re
import zipfile

from .archive import copy, fresh, sha256
from .outside_tools import python_tool
from .payload import Payload
from .project import PACKAGE, ROOT, Failed, Project, run


def make(project: Project, payload: Payload) -> pathlib.Path:
    home = fresh(project.work / "wheel")
    template = ROOT / "packaging" / "wheel"
    (home / "pyproject.toml").write_text(
        project.fill(template / "pyproject.toml", CARGO_TOML=str(ROOT / "Cargo.toml")))
    # The MCP registry looks for this line to see that the wheel and server.json have one owner.
    (home / "README.md").write_text(f"{(ROOT / 'README.md').read_text()}\n<!-- mcp-name: {project.server_name} -->\n")
    payload.put_licences(home)
    copy(payload.library, home / "data" / "data" / "libexec" / "replayer" / payload.library.name)
    copy(template / "replayer-mcp", home / "data" / "scripts" / "replayer-mcp", executable=True)

    command = [python_tool("maturin"), "build", "--profile", project.profile, "--locked", "--out", home / "out"]
    # Auditing would repair: rename the library and rewrite the binary's rpath, which is right as it is.
    command += ["--auditwheel", "skip"]
    if project.platform.os == "linux":
        command += ["--compatibility", _manylinux(payload)]
    # Without SOURCE_DATE_EPOCH: it would have C code compiled again (cc's build scripts watch it), and maturin's own time
    # without it is a fixed one.
    run(*command, "--", *project.rustc_flags, cwd=home)

    built = list((home / "out").glob("*.whl"))
    if len(built) != 1:
        raise Failed(f"maturin should have made one wheel, there are {len(built)} in {home / 'out'}")
    _holds_the_same_binary(built[0], payload)
    wheel = project.out / built[0].name
    copy(built[0], wheel)
    return wheel


def _manylinux(payload: Payload) -> str:
    """The tag for the newest glibc whose symbols the binary or the library really uses."""
    versions = set()
    for file in (payload.binary, payload.library):
        text = run("readelf", "--version-info", "--wide", file, quiet=True)
        versions |= {(int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", text)}
    if not versions:
        raise Failed("readelf names no glibc version in the binary: which manylinux tag is right?")
    major, minor = max(versions)
    return f"manylinux_{major}_{minor}"


def _holds_the_same_binary(wheel: pathlib.Path, payload: Payload) -> None:
    """maturin calls cargo itself; with other flags it would have packed another binary."""
    scratch = payload.home.parent / "wheel" / "unpacked"
    with zipfile.ZipFile(wheel) as packed:
        name = next(name for name in packed.namelist() if name.endswith(".data/scripts/replayer"))
        packed.extract(name, scratch)
    if sha256(scratch / name) != sha256(payload.binary):
        raise Failed(f"the wheel's binary is not the one that cargo built for {PACKAGE}: maturin built with other flags")
