"""On which drive a path is, and whose that is; from the kernel's list alone, no path is looked at."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from waste_gui.monitor.waits import kernel

NETWORK = ("nfs", "cifs", "smb", "sshfs", "9p", "ceph", "glusterfs", "lustre", "fuse.sshfs", "afs", "davfs")
LOCAL = ("tmpfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "f2fs", "zfs", "devtmpfs", "ramfs")
ESCAPE = re.compile(r"\\(\d{3})")


@dataclass(frozen=True)
class Mount:
    """`source` is a device or a server's folder, as "fileserver:/photos"."""

    number: int
    device: tuple[int, int]
    point: str
    type: str
    source: str

    @property
    def server(self) -> str:
        """The computer whose drive it is; empty for one of this computer."""
        if not self.type.startswith(NETWORK):
            return ""
        if self.source.startswith("//"):
            return self.source[2:].partition("/")[0]
        return self.source.rpartition(":")[0].rpartition("@")[2] or self.source

    @property
    def is_local(self) -> bool:
        return self.type in LOCAL

    @property
    def words(self) -> str:
        where = f"{self.type}, {self.source}" if self.source not in ("none", self.type, "") else self.type
        return f"{self.point} ({where})"


def mounts(pid: int) -> list[Mount]:
    """As that process sees them."""
    found = []
    for line in kernel.read(f"/proc/{pid}/mountinfo", 2**20).splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) < 5 or len(kinds) < 2 or not fields[0].isdigit():
            continue
        major, _, minor = fields[2].partition(":")
        if major.isdigit() and minor.isdigit():
            device = int(major), int(minor)
            found.append(Mount(int(fields[0]), device, _plain(fields[4]), kinds[0], _plain(kinds[1])))
    return found


def of_path(path: str, all_mounts: list[Mount]) -> Mount | None:
    """The last of the longest that hold it."""
    fits = [
        mount for mount in all_mounts if path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
    ]
    return max(reversed(fits), key=lambda mount: len(mount.point), default=None)


def inode_of(path: str, all_mounts: list[Mount]) -> int | None:
    """0 where there is no such file; None where its drive may not answer: it is not looked at then."""
    mount = of_path(path, all_mounts)
    if mount is None or not mount.is_local:
        return None
    try:
        return os.lstat(path).st_ino
    except (OSError, ValueError):
        return 0


def of_number(number: int, all_mounts: list[Mount]) -> Mount | None:
    return next((mount for mount in all_mounts if mount.number == number), None)


def _plain(text: str) -> str:
    return ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
