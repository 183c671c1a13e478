"""Archives that come out the same from the same files: sorted, one time, nobody's names."""

import gzip
import hashlib
import os
import pathlib
import shutil
import tarfile


def tar_gz(folder: pathlib.Path, into: pathlib.Path, epoch: int) -> None:
    """Packs a folder under its own name."""
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    files = sorted(folder.rglob("*"))
    with open(into, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=epoch) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in [folder, *files]:
                tar.add(path, f"{folder.name}/{path.relative_to(folder)}".removesuffix("/."), False, filter=plain)


def copy(source: pathlib.Path, into: pathlib.Path, executable: bool = False) -> None:
    """Copies a file or a folder to this path, with plain rights."""
    if source.is_dir():
        for inner in sorted(source.iterdir()):
            copy(inner, into / inner.name, executable)
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, into)
    os.chmod(into, 0o755 if executable else 0o644)


def fresh(folder: pathlib.Path) -> pathlib.Path:
    """An empty folder at this path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_sums(folder: pathlib.Path) -> pathlib.Path:
    """SHA256SUMS over every file of the folder, as `sha256sum -c` reads it."""
    sums = folder / "SHA256SUMS"
    files = sorted(path for path in folder.iterdir() if path.is_file() and path != sums)
    sums.write_text("".join(f"{sha256(path)}  {path.name}\n" for path in files))
    return sums
