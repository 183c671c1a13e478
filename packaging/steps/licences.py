"""The licences of the crates that are linked into the binary, from the sources that cargo has downloaded. Crates with the
same text share it: otherwise there would be four hundred copies of a dozen texts."""

import json
import pathlib
import re

from .project import ROOT, Project, run

NAMES = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)


def of_crates(project: Project) -> str:
    """One text, the same from the same Cargo.lock."""
    crates = _linked_crates()
    by_text: dict[str, tuple[str, list[str]]] = {}
    silent = []
    for crate in crates:
        label = f"{crate['name']} {crate['version']}"
        files = _files(pathlib.Path(crate["manifest_path"]).parent, crate.get("license_file"))
        if not files:
            silent.append(f"{label}: {crate['license'] or 'see its repository'}, {crate['repository'] or ''}")
        for path in files:
            text = path.read_text(errors="replace").strip().replace("\r\n", "\n")
            if text:
                by_text.setdefault(" ".join(text.split()).lower(), (text, []))[1].append(label)
    parts = [
        "The binary of replayer contains the Rust crates named here. First what each says in its manifest, then the\n"
        "texts that came with them, each with the crates it came with.\n",
        "\n".join(f"{crate['name']} {crate['version']}: {crate['license'] or 'see below'}" for crate in crates),
    ]
    if silent:
        parts.append("No text came with these; those of the licences that they name are below, with other crates:\n\n"
                     + "\n".join(silent))
    for text, labels in sorted(by_text.values(), key=lambda entry: (-len(entry[1]), entry[1])):
        parts.append(f"{', '.join(sorted(set(labels)))}:\n\n{text}")
    rule = "\n\n" + "-" * 79 + "\n\n"
    return rule.join(parts) + "\n"


def _linked_crates() -> list[dict]:
    """What our package reaches through ordinary dependencies on this platform, our own crates left out, by name."""
    host = re.search(r"^host: (.+)$", run("rustc", "-vV", quiet=True), re.MULTILINE).group(1)
    metadata = json.loads(run("cargo", "metadata", "--format-version=1", "--locked", "--offline",
                              "--filter-platform", host, quiet=True, cwd=ROOT))
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    reached, waiting = set(), [root]
    while waiting:
        current = waiting.pop()
        if current in reached:
            continue
        reached.add(current)
        waiting += [dependency["pkg"] for dependency in nodes[current]["deps"]
                    if any(kind["kind"] is None for kind in dependency["dep_kinds"])]
    found = [package for package in metadata["packages"] if package["id"] in reached and package["source"]]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def _files(folder: pathlib.Path, named: str | None) -> list[pathlib.Path]:
    """The licence files of a crate, and those of C sources that it carries one folder below."""
    found = {path for path in folder.iterdir() if path.is_file() and NAMES.match(path.name)}
    found |= {path for path in folder.glob("*/*") if path.is_file() and re.match(r"(?i)^licen[cs]e", path.name)}
    if named and (folder / named).is_file():
        found.add((folder / named).resolve())
    return sorted(path for path in found if path.suffix not in {".rs", ".html", ".py", ".tmpl"})
