"""A descriptor as what is waited for: its kind, its name for a person, and who has the other end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from waste_gui.monitor.waits import holders, kernel, mounts, unix_diag
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.descriptors import Descriptor, What, descriptor
from waste_gui.monitor.waits.kernel import Task
from waste_gui.monitor.waits.link import Holder, Kind

STANDARD = {0: "its input", 1: "its output", 2: "its error output"}

TO_WHO_STARTED_IT = "to the program that started it"

DISK_WAITS = (
    *("request_wait_answer", "fuse", "nfs", "rpc", "cifs", "smb", "folio_wait", "wait_on_page", "p9_"),
    *("io_schedule", "blk_", "rq_qos", "jbd2", "ext4", "xfs", "btrfs", "percpu_rwsem", "wait_on_buffer"),
)


@dataclass(frozen=True)
class Found:
    """What a call waits for. `holders` empty means that nothing is known of them."""

    kind: Kind
    name: str = ""
    detail: str = ""
    holders: tuple[Holder, ...] = ()
    for_s: float | None = None
    evidence: tuple[str, ...] = ()


def waits_for_disk(task: Task) -> bool:
    return task.state == "D" or task.wchan.lstrip("_").startswith(DISK_WAITS)


def of_descriptor(task: Task, number: int, *, to_read: bool, computer: Computer) -> Found:
    """What a call on it waits for."""
    end = descriptor(task.pid, number)
    evidence = (f"{end.source} leads to {end.name or 'nothing that may be read'}",)
    match end.what:
        case What.PIPE:
            return replace(_pipe(task, end, to_read, computer), evidence=evidence)
        case What.SOCKET:
            return replace(_socket(task, end, to_read, computer), evidence=evidence)
        case What.TERMINAL:
            kind = Kind.INPUT if to_read else Kind.TERMINAL_WRITE
            return Found(kind, end.name, evidence=evidence)
        case What.EPOLL:
            return Found(Kind.SEVERAL, evidence=evidence)
        case What.EVENT:
            return replace(_eventfd(task, end, computer), evidence=evidence)
        case What.TIMER:
            return Found(Kind.TIMER, "a timer", evidence=evidence)
        case What.SIGNALS:
            return Found(Kind.SIGNAL, "a signal", evidence=evidence)
        case What.WATCH:
            return Found(Kind.WATCH, "a change of files", evidence=evidence)
        case What.PROCESS:
            return replace(of_pidfd(task, end), evidence=evidence)
        case What.DEVICE:
            return Found(Kind.DEVICE, end.name, evidence=evidence)
        case What.FILE:
            return replace(_file(task, end, to_read, computer), evidence=evidence)
    return Found(Kind.UNKNOWN, end.name, evidence=evidence)


def _eventfd(task: Task, end: Descriptor, computer: Computer) -> Found:
    """A counter that others who have it raise; all have the same name, but each its number."""
    own = next((line for line in end.notes if line.startswith("eventfd-id:")), "")
    pids = [each.pid for each in computer.who_has(end.name) if own and own in each.notes]
    return Found(Kind.EVENT, "an eventfd", holders=holders.ends(pids, task.pid, "has it, too", computer))


def of_pidfd(task: Task, end: Descriptor) -> Found:
    pid = next((line[4:].strip() for line in end.notes if line.startswith("Pid:")), "")
    if not pid.isdigit():
        return Found(Kind.CHILD)
    return Found(Kind.CHILD, holders=holders.of_child(int(pid), task.pid))


def _pipe(task: Task, end: Descriptor, to_read: bool, computer: Computer) -> Found:
    found = holders.of_pipe(end, task.pid, to_read=to_read, computer=computer)
    kind = Kind.PIPE_READ if to_read else Kind.PIPE_WRITE
    started_it = not to_read and any(holder.pid == kernel.parent(task.pid) for holder in found)
    detail = STANDARD.get(end.number, "") or (TO_WHO_STARTED_IT if started_it else "")
    return Found(kind, end.name, detail, found)


def _socket(task: Task, end: Descriptor, to_read: bool, computer: Computer) -> Found:
    known = computer.sockets(task.pid).get(end.inode)
    if known is None:
        return Found(Kind.SOCKET_READ if to_read else Kind.SOCKET_WRITE, "a connection")
    if known.listens:
        return Found(Kind.LISTENING, str(known.local or known.path))
    others = holders.of_socket(known, task.pid, computer)
    name = str(known.remote) if known.remote and not known.remote.is_any else known.path
    if known.kind == "unix" and not name:
        other = unix_diag.peer_of(known.inode) or unix_diag.listener_for(known.inode)
        name = there.path if (there := computer.sockets(task.pid).get(other)) else ""
    if not name and known.kind == "udp":
        name = f"port {known.local.port}" if known.local else ""
    if known.state == "connecting" and known.kind == "tcp":
        return Found(Kind.CONNECTION, name, holders=others)
    kind = Kind.SOCKET_READ if to_read else Kind.SOCKET_WRITE
    return Found(kind, name or "a socket", known.state, others)


def of_unix_path(task: Task, path: str, computer: Computer) -> Found:
    """A connection to a local program that has no room for one more."""
    known = computer.sockets(task.pid).values()
    listening = [each for each in known if each.kind == "unix" and each.path == path and each.listens]
    pids = [each.pid for one in listening for each in computer.who_has(f"socket:[{one.inode}]")]
    found = holders.of_processes(pids, "listens there, and has not accepted") or (holders.NOBODY,)
    return Found(Kind.CONNECTION, path, holders=found)


def _file(task: Task, end: Descriptor, to_read: bool, computer: Computer) -> Found:
    """A named pipe is a file by its name only; what the kernel waits in says so."""
    if "pipe" in task.wchan or task.wchan in ("wait_for_partner", "fifo_open"):
        return _pipe(task, end, to_read, computer)
    mount = mounts.of_number(end.mount, computer.mounts(task.pid))
    return disk(end.name, mount or mounts.of_path(end.name, computer.mounts(task.pid)))


def disk(path: str, mount: mounts.Mount | None) -> Found:
    if mount is None:
        return Found(Kind.DISK, path)
    server = (Holder(host=mount.server),) if mount.server else ()
    return Found(Kind.DISK, path, f"on the drive {mount.words}", server)


def of_path(task: Task, path: str, computer: Computer) -> Found:
    """A call that was given a name: it opens a named pipe, or asks a drive."""
    if not path.startswith("/"):
        path = f"{kernel.folder_of(task.pid).rstrip('/')}/{path}"
    if task.wchan in ("wait_for_partner", "fifo_open"):
        others = [each.pid for each in computer.who_has(path) if each.pid != task.pid]
        found = holders.of_processes(others, "has it open")
        return Found(Kind.FIFO_OPEN, path, holders=found or (holders.NOBODY,))
    return disk(path, mounts.of_path(path, computer.mounts(task.pid)))
