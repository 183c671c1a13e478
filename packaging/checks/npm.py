"""The npm packages: installed from the tarballs into an empty folder, started through the launcher."""

import json
import signal
import subprocess

from steps.project import PACKAGE, Failed, Project

from .clients import serve, typescript_client
from .empty import LONGEST, Empty


def check(project: Project) -> list[str]:
    """What was tried; raises when something does not work."""
    packed = [project.out / f"{PACKAGE}-{project.platform.name}-{project.version}.tgz",
              project.out / f"{PACKAGE}-{project.version}.tgz"]
    with Empty("node", "npm", "npx", "uname") as empty:
        (empty.work / "package.json").write_text(json.dumps({"private": True}))
        empty.run("npm", "install", "--offline", "--no-audit", "--no-fund", *packed)
        said = empty.run("npx", "--offline", "replayer", "--version").strip()
        if said != f"replayer {project.version}":
            raise Failed(f"npx replayer --version says {said!r}")
        launcher = empty.work / "node_modules" / ".bin" / "replayer"
        typescript_client(project, empty, launcher, *serve(empty))
        _exit_code_is_passed_on(empty, launcher)
        _sigterm_is_passed_on(empty, launcher)
        _other_platform_is_refused(empty)
        return ["npm install, npx: TypeScript client", "exit code, SIGTERM, unknown platform"]


def _exit_code_is_passed_on(empty: Empty, launcher) -> None:
    code = empty.try_run(launcher, "no-such-command").returncode
    if code != 2:
        raise Failed(f"wrong usage should end with exit code 2 through the launcher, not {code}")


def _sigterm_is_passed_on(empty: Empty, launcher) -> None:
    """The server ends by itself with 0 when it is asked to; killed, or left behind, it would not."""
    environment = empty.variables
    running = subprocess.Popen([launcher, *serve(empty)], cwd=empty.work, env=environment, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "dist-test", "version": "0"}}}
        running.stdin.write(json.dumps(hello) + "\n")
        running.stdin.flush()
        if "replayer" not in running.stdout.readline():
            raise Failed("the server did not answer initialize through the launcher")
        running.send_signal(signal.SIGTERM)
        # The binary has the other end of this pipe: it is at its end when the binary has ended.
        left = running.stdout.read()
        code = running.wait(LONGEST)
        if code != 0 or left:
            raise Failed(f"after SIGTERM the launcher ended with exit code {code}, not 0; still said: {left!r}")
    finally:
        running.kill()
        running.wait()


def _other_platform_is_refused(empty: Empty) -> None:
    script = "Object.defineProperty(process, 'platform', { value: 'aix' }); require('./node_modules/%s/replayer.js')"
    done = empty.try_run("node", "-e", script % PACKAGE)
    if done.returncode != 1 or "there is no binary for aix" not in done.stderr:
        raise Failed(f"an unknown platform should be refused in clear words, not: {done.stderr!r}")
