"""An environment with nothing in it: a fresh home, no variables, and a PATH that has the named programs and no others, so
that neither Rust nor anything of this machine can help."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from steps.project import Failed

# Longest that any command of a check may take, seconds.
LONGEST = 300


class Empty:
    """Use as a context; the folder goes at its end."""

    def __init__(self, *programs: str):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="replayer-dist-test-"))
        self.home, self.work, path = (self.folder / name for name in ("home", "work", "bin"))
        for folder in (self.home, self.work, path):
            folder.mkdir()
        for program in ("sh", "env", *programs):
            found = shutil.which(program)
            if not found:
                raise Failed(f"{program} is not installed; the check needs it")
            (path / program).symlink_to(os.path.realpath(found))
        self.variables = {"HOME": str(self.home), "PATH": str(path), "LANG": "C.UTF-8", "TMPDIR": str(self.folder)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def try_run(self, *command, **more) -> subprocess.CompletedProcess:
        """Runs a command in the work folder."""
        command = [str(part) for part in command]
        if "/" not in command[0]:
            command[0] = f"{self.variables['PATH']}/{command[0]}"
        environment = {**self.variables, **more.pop("variables", {})}
        return subprocess.run(command, cwd=more.pop("cwd", self.work), env=environment, text=True,
                              capture_output=True, timeout=LONGEST, **more)

    def run(self, *command, **more) -> str:
        """The same, and it has to succeed; gives the standard output."""
        done = self.try_run(*command, **more)
        if done.returncode != 0:
            shown = " ".join(str(part) for part in command)
            raise Failed(f"{shown}: exit code {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
        return done.stdout
