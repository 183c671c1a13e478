"""What is being packaged: names, version, platform and places. The steps and the checks ask here."""

import json
import os
import pathlib
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The name in package registries: the plain name belongs to others there. The command is `replayer` all the same.
PACKAGE = "replayer-mcp"

# Who publishes it, as OWNER/REPOSITORY on GitHub, where neither the environment nor git's remote says so.
NOBODY = "OWNER/replayer"


class Failed(Exception):
    """A step or a check did not succeed; the message says what happened and what to do."""


@dataclass(frozen=True)
class Platform:
    """A system that packages are made for. `os` and `cpu` are npm's words, which MCPB shares."""

    os: str
    cpu: str
    arch: str
    library: str

    @property
    def name(self) -> str:
        """As in the names of npm packages and bundles: linux-x64."""
        return f"{self.os}-{self.cpu}"

    @property
    def label(self) -> str:
        """As in the name of the tarball: x86_64-linux."""
        return f"{self.arch}-{'macos' if self.os == 'darwin' else self.os}"


# Those that scripts/build-env has a prebuilt DuckDB for.
PLATFORMS = [
    Platform("linux", "x64", "x86_64", "libduckdb.so"),
    Platform("linux", "arm64", "aarch64", "libduckdb.so"),
    Platform("darwin", "arm64", "aarch64", "libduckdb.dylib"),
    Platform("darwin", "x64", "x86_64", "libduckdb.dylib"),
]


def this_platform() -> Platform:
    """The platform that this machine builds for."""
    arch = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for candidate in PLATFORMS:
        if candidate.os == sys.platform and candidate.arch == arch:
            return candidate
    raise Failed(f"there are no packages for {sys.platform} on {platform.machine()}; known: "
                 + ", ".join(known.name for known in PLATFORMS))


def run(*command, quiet: bool = False, **options) -> str:
    """Runs a command to its end and gives its standard output; shows it all when it fails."""
    command = [str(part) for part in command]
    if not quiet:
        print("   ", " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


class Project:
    """The package of Cargo.toml, built with one profile for this platform."""

    def __init__(self, out: pathlib.Path | None = None):
        if "CARGO_TARGET_DIR" not in os.environ:
            raise Failed("the build's environment is missing: `make dist`, or `. scripts/build-env` first")
        self.target = pathlib.Path(os.environ["CARGO_TARGET_DIR"])
        # REPLAYER_DIST_PROFILE=release packs the everyday build: large, but there within minutes.
        self.profile = os.environ.get("REPLAYER_DIST_PROFILE", "dist")
        self.platform = this_platform()
        self.out = out or ROOT / "dist"
        # What goes into the packages, laid out. In the repository, since maturin starts cargo there, and cargo takes
        # .cargo/config.toml from the folders above: without it the build's environment differs and all is built again.
        self.work = ROOT / "target" / "dist-work"

    @cached_property
    def manifest(self) -> dict:
        """Our package in `cargo metadata`."""
        text = run("cargo", "metadata", "--format-version=1", "--no-deps", "--offline", quiet=True, cwd=ROOT)
        return next(package for package in json.loads(text)["packages"] if package["name"] == "replayer")

    @property
    def version(self) -> str:
        return self.manifest["version"]

    @property
    def binary(self) -> pathlib.Path:
        """What cargo built."""
        return self.target / self.profile / "replayer"

    @property
    def rustc_flags(self) -> list[str]:
        """How the binary is put together, for size; docs/packaging.md has the figures. Link-time optimisation takes only small
        functions over crates' borders. On Linux-x86_64, where Rust links with lld, functions that are the same to the byte
        become one, and the program stands at a fixed address: 280,000 places need not be filled in at each start."""
        if self.profile != "dist":
            return []
        flags = ["-C", "llvm-args=-import-instr-limit=10"]
        if self.platform.name == "linux-x64":
            flags += ["-C", "link-arg=-Wl,--icf=all", "-C", "relocation-model=static"]
        return flags

    @property
    def library(self) -> pathlib.Path:
        """DuckDB's prebuilt library; its licence lies beside it."""
        folder = os.environ.get("DUCKDB_LIB_DIR")
        if not folder:
            raise Failed("packages are made with the prebuilt DuckDB, which scripts/build-env could not get; "
                         "it says above why")
        return pathlib.Path(folder) / self.platform.library

    @cached_property
    def repository(self) -> str:
        """OWNER/REPOSITORY on GitHub: from REPLAYER_REPOSITORY, else from git's remote."""
        named = os.environ.get("REPLAYER_REPOSITORY")
        if named:
            return named
        remote = subprocess.run(["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True)
        found = re.search(r"github\.com[:/]([^/]+/[^/]+?)(\.git)?$", remote.stdout.strip())
        return found.group(1) if found else NOBODY

    @property
    def server_name(self) -> str:
        """The name in the MCP registry, whose first half the publisher has to own."""
        return f"io.github.{self.repository.split('/')[0]}/replayer"

    @cached_property
    def epoch(self) -> int:
        """The time that every packed file bears, in seconds: SOURCE_DATE_EPOCH, else that of the commit."""
        named = os.environ.get("SOURCE_DATE_EPOCH")
        if not named:
            commit = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
            named = commit.stdout.strip()
        # Zip files know no time before 1980.
        return max(int(named or 0), 315_532_800)

    @property
    def environment(self) -> dict:
        """For tools that put times into what they write."""
        return {**os.environ, "SOURCE_DATE_EPOCH": str(self.epoch), "TZ": "UTC"}

    def fill(self, template: pathlib.Path, **more: str) -> str:
        """A template's text with @VERSION@ and the like replaced."""
        values = {
            "VERSION": self.version,
            "PACKAGE": PACKAGE,
            "DESCRIPTION": self.manifest["description"],
            "LICENSE": self.manifest["license"],
            "REPOSITORY": self.repository,
            "SERVER_NAME": self.server_name,
            "PLATFORM": self.platform.name,
            "OS": self.platform.os,
            "CPU": self.platform.cpu,
            **more,
        }
        text = re.sub(r"@([A-Z_]+)@", lambda found: values.get(found.group(1), found.group(0)),
                      template.read_text())
        left = re.search(r"@[A-Z_]+@", text)
        if left:
            raise Failed(f"{template.relative_to(ROOT)} has {left.group(0)}, which is not known to Project.fill")
        return text
