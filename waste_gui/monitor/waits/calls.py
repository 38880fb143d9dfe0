"""A system call with its arguments → what is waited for in it. Where the call itself may not be read, the
kernel's function in which the thread sleeps says as much as it can."""

from __future__ import annotations

import struct
import time
from dataclasses import replace

from waste_gui.monitor.waits import descriptors, holders, kernel, locks, mounts
from waste_gui.monitor.waits.computer import Computer
from waste_gui.monitor.waits.descriptors import What
from waste_gui.monitor.waits.kernel import PAGE_FAULT, RUNNING, Task
from waste_gui.monitor.waits.link import Holder, Kind
from waste_gui.monitor.waits.objects import Found, disk, of_descriptor, of_path, of_unix_path, waits_for_disk
from waste_gui.monitor.waits.polling import database_of, is_database, of_polling, path_of
from waste_gui.monitor.waits.shared_objects import of_shared_lock, of_system_v

READS = {
    *("read", "pread64", "readv", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg"),
    *("getdents", "getdents64", "lseek", "accept", "accept4", "tee"),
}
WRITES = {
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "sendfile"),
    *("fsync", "fdatasync", "ftruncate", "fallocate", "sync_file_range", "syncfs", "fstatfs", "connect"),
    *("ioctl", "close", "vmsplice", "fchdir", "fstat", "shutdown"),
}
PATHS = {
    **dict.fromkeys(("open", "creat", "stat", "lstat", "access", "statfs", "chdir", "mkdir", "rmdir"), 0),
    **dict.fromkeys(("unlink", "rename", "link", "symlink", "readlink", "chmod", "chown", "truncate"), 0),
    **dict.fromkeys(("execve", "getxattr", "umount2"), 0),
    **dict.fromkeys(("openat", "openat2", "newfstatat", "statx", "unlinkat", "renameat", "renameat2"), 1),
    **dict.fromkeys(("mkdirat", "readlinkat", "faccessat", "faccessat2", "execveat", "mount"), 1),
}
SLEEPS = {"nanosleep": 0, "clock_nanosleep": 2}
POLLS = {"poll", "ppoll"}
SELECTS = {"select", "pselect6"}
EPOLLS = {"epoll_wait", "epoll_pwait", "epoll_pwait2"}
FUTEXES = {"futex", "futex_waitv", "futex_wait"}
SIGNALS = {"pause", "rt_sigsuspend", "rt_sigtimedwait"}
MESSAGES = {"semop", "semtimedop", "msgrcv", "msgsnd", "mq_timedreceive", "mq_timedsend"}
RINGS = {"io_uring_enter", "io_getevents", "io_pgetevents"}

SET_LOCK_AND_WAIT, SET_OPEN_LOCK_AND_WAIT = 7, 38
MOST_POLLED = 1024
TIMER_ABSTIME = 1
POLL_IN, POLL_OUT = 0x1 | 0x2 | 0x80 | 0x2000 | 0x40, 0x4 | 0x100 | 0x200


def waited_for(task: Task, computer: Computer) -> Found:
    """What the thread waits for, as the kernel tells it."""
    if task.state in ("Z", "X"):
        return Found(Kind.ENDED)
    if task.state == "R":
        return of_polling(task, None, computer) or Found(Kind.RUNS)
    if task.stopped:
        return Found(Kind.STOPPED, evidence=(f"its state is {task.state}: stopped",))
    found = _by_call(task, computer) if task.call not in ("", RUNNING, PAGE_FAULT) else None
    found = found or _by_sleep(task, computer)
    return replace(found, evidence=(*_call_seen(task), *found.evidence))


def _call_seen(task: Task) -> tuple[str, ...]:
    """Where it was read."""
    folder = f"/proc/{task.pid}/task/{task.tid}"
    lines = []
    if task.call not in ("", PAGE_FAULT):
        lines.append(f"{folder}/syscall: {task.call}")
    if task.wchan:
        lines.append(f"{folder}/wchan: {task.wchan}")
    return (*lines, *task.unread)


def _by_call(task: Task, computer: Computer) -> Found | None:
    call, args = task.call, task.args or (0,) * 6
    if call == "flock" or call == "fcntl" and args[1] in (SET_LOCK_AND_WAIT, SET_OPEN_LOCK_AND_WAIT):
        return of_lock(task, computer, args[0])
    if call in ("splice", "copy_file_range"):
        return _between(task, args[0], args[2], computer)
    if call == "sendfile":
        return _between(task, args[1], args[0], computer)
    if call == "connect" and (path := kernel.unix_path(task.pid, args[1], args[2])):
        return of_unix_path(task, path, computer)
    if call in READS:
        return of_descriptor(task, args[0], to_read=True, computer=computer)
    if call in WRITES:
        return of_descriptor(task, args[0], to_read=False, computer=computer)
    if call in PATHS:
        return _of_a_path(task, computer)
    if call in SLEEPS:
        return _of_a_sleep(task, computer)
    if call in POLLS:
        return of_several(task, _polled(task), computer)
    if call in SELECTS:
        return of_several(task, _selected(task), computer)
    if call in EPOLLS:
        return of_several(task, _in_epoll(task.pid, args[0]), computer)
    if call in FUTEXES:
        return of_futex(task, computer)
    if call in ("wait4", "waitid", "vfork"):
        return _of_child(task)
    if call in SIGNALS:
        return _of_a_signal(task)
    if call in MESSAGES:
        if call.startswith("mq_"):
            return Found(Kind.MESSAGE, descriptors.descriptor(task.pid, args[0]).name)
        return of_system_v(task)
    if call in RINGS:
        return Found(Kind.DISK, "", "reading or writing that was asked for at once (io_uring, aio)")
    return None


def _by_sleep(task: Task, computer: Computer) -> Found:
    """No call, or none that may be read."""
    where = task.wchan
    if task.call == RUNNING and not where:
        return of_polling(task, None, computer) or Found(Kind.RUNS)
    if "locks_lock" in where or "flock" in where:
        return of_lock(task, computer)
    if where == "do_wait":
        return Found(Kind.CHILD, holders=holders.of_child(-1, task.pid))
    if "nanosleep" in where:
        return of_sleep(task, None, computer)
    if waits_for_disk(task):
        if task.call == PAGE_FAULT:
            return of_page(task, computer)
        return Found(Kind.DISK)
    if "futex" in where:
        return Found(Kind.LOCK)
    if "pipe_read" in where or where == "wait_for_partner":
        return _the_only(task, What.PIPE, True, computer) or Found(Kind.PIPE_READ)
    if "pipe_write" in where:
        return _the_only(task, What.PIPE, False, computer) or Found(Kind.PIPE_WRITE)
    if where in ("wait_woken", "inet_csk_accept") or "unix_" in where or "skb_wait" in where:
        return _the_only(task, What.SOCKET, True, computer) or Found(Kind.SOCKET_READ)
    if where.startswith(("ep_poll", "poll_schedule", "do_select", "do_poll", "do_sys_poll")):
        return Found(Kind.SEVERAL)
    if "sigtimedwait" in where or "sigsuspend" in where or "pause" in where:
        return Found(Kind.SIGNAL, "a signal")
    return Found(Kind.UNKNOWN)


def of_page(task: Task, computer: Computer) -> Found:
    """Which page, nobody tells; of a file on a drive that is not this computer's own, mostly, where one is
    mapped."""
    point_of = computer.mounts(task.pid)
    lines = kernel.read_in_time(f"/proc/{task.pid}/maps", 2**22).splitlines()
    paths = dict.fromkeys(
        line.split(maxsplit=5)[5].strip() for line in lines if len(line.split(maxsplit=5)) > 5
    )
    for path in paths:
        mount = mounts.of_path(path, point_of) if path.startswith("/") else None
        if mount is not None and not mount.is_local and mount.type not in ("devpts", "proc", "sysfs"):
            found = disk(path, mount)
            return replace(found, evidence=(f"/proc/{task.pid}/maps: {path} is mapped",))
    return Found(Kind.MEMORY, "a page of memory", "of a file that is mapped, or memory that was swapped out")


def _the_only(task: Task, what: What, to_read: bool, computer: Computer) -> Found | None:
    """The one descriptor of its kind, where the call that would name it may not be read."""
    ends = [descriptors.descriptor(task.pid, number) for number in descriptors.numbers(task.pid)]
    fits = [e for e in ends if e.what is what and (e.reads if to_read else e.writes)]
    if len(fits) == 1:
        return of_descriptor(task, fits[0].number, to_read=to_read, computer=computer)
    return None


def _between(task: Task, source: int, target: int, computer: Computer) -> Found:
    """From one descriptor into another: the one that can be waited for is a pipe or a socket."""
    found = of_descriptor(task, source, to_read=True, computer=computer)
    if found.kind is Kind.DISK and not waits_for_disk(task):
        return of_descriptor(task, target, to_read=False, computer=computer)
    return found


def _of_a_path(task: Task, computer: Computer) -> Found:
    path = kernel.text_at(task.pid, task.args[PATHS[task.call]])
    if path:
        return of_path(task, path, computer)
    fifo = task.wchan == "wait_for_partner"
    return Found(Kind.FIFO_OPEN if fifo else Kind.DISK, evidence=("the path that it opens may not be read",))


# --- locks on files


def of_lock(task: Task, computer: Computer, number: int | None = None) -> Found:
    """The kernel lists who waits behind whose lock."""
    end = descriptors.descriptor(task.pid, number) if number is not None else None
    waiting = locks.waited_for(task.pid, computer.locks, end.inode if end else 0)
    evidence: list[str] = []
    if end is not None:
        evidence.append(f"{end.source} leads to {end.name}")
    held = waiting[1] if waiting else locks.held_on(end.inode, computer.locks) if end and end.inode else []
    path = end.name if end else path_of(task.pid, waiting[0].inode) if waiting else ""
    evidence += [f"/proc/locks: {lock.kind} on inode {lock.inode} by {lock.pid}" for lock in held[:3]]
    found = holders.of_locks(held, path, computer, task.pid)
    if not held and end is not None:
        found = _on_a_server(task, end, computer)
    kind = Kind.DATABASE if is_database(path, held) else Kind.FILE_LOCK
    name = database_of(path) if kind is Kind.DATABASE else path
    return Found(kind, name, holders=found, evidence=tuple(evidence))


def of_lock_file(task: Task, path: str, computer: Computer) -> Found:
    """One that a library asks for again and again, by its name; it has it open for moments only."""
    inode = mounts.inode_of(path, computer.mounts(task.pid))
    held = [lock for lock in locks.held_on(inode, computer.locks) if lock.pid != task.pid] if inode else []
    seen = tuple(f"/proc/locks: {lock.kind} on inode {lock.inode} by {lock.pid}" for lock in held[:3])
    found = holders.of_locks(held, path, computer, task.pid)
    if not found and inode is not None:
        found = (holders.NOBODY,)
    return Found(Kind.FILE_LOCK, path, holders=found, evidence=seen)


def _on_a_server(task: Task, end: descriptors.Descriptor, computer: Computer) -> tuple[Holder, ...]:
    mount = next((each for each in computer.mounts(task.pid) if each.number == end.mount), None)
    return (Holder(host=mount.server, verb="keeps it"),) if mount and mount.server else ()


# --- sleeps


def _of_a_sleep(task: Task, computer: Computer) -> Found:
    """clock_nanosleep may be told until when, in place of for how long."""
    call, args = task.call, task.args
    for_s = kernel.timespec(task.pid, args[SLEEPS[call]])
    if call == "clock_nanosleep" and args[1] & TIMER_ABSTIME and for_s is not None:
        left = for_s - (time.time() if args[0] == 0 else time.monotonic())
        return replace(of_sleep(task, max(0.0, left), computer), detail="from now")
    return of_sleep(task, for_s, computer)


def of_sleep(task: Task, for_s: float | None, computer: Computer) -> Found:
    """Who asks for a lock again and again sleeps between."""
    return replace(of_polling(task, for_s, computer) or Found(Kind.SLEEP), for_s=for_s)


# --- children


def _of_child(task: Task) -> Found:
    """wait4 names a child or -1; waitid an all, a child, a group or a pidfd."""
    asked = _signed(task.args[0])
    if task.call == "vfork":
        asked = -1
    elif task.call == "waitid":
        how, number = task.args[0], _signed(task.args[1])
        asked = number if how == 1 else -1
        if how == 3:
            pid = descriptors.info(task.pid, number).get("Pid", "")
            asked = int(pid) if pid.isdigit() else -1
    found = holders.of_child(asked, task.pid)
    return Found(Kind.CHILD, str(asked) if asked > 0 else "", holders=found)


def _of_a_signal(task: Task) -> Found:
    """A shell waits so for its children: each tells its end by a signal."""
    found = holders.of_child(-1, task.pid)
    if task.call == "rt_sigsuspend" and not found[0].nobody:
        return Found(Kind.CHILD, holders=found)
    return Found(Kind.SIGNAL, "a signal")


def _signed(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - 2**32 if number >= 2**31 else number


# --- several descriptors at once

Asked = list[tuple[int, bool]]
"""A descriptor, and whether it is to be read from (or else written into)."""


def of_several(task: Task, asked: Asked | None, computer: Computer) -> Found:
    if asked is None:
        return Found(Kind.SEVERAL, evidence=("which descriptors it asks for may not be read",))
    if not asked:
        return of_sleep(task, None, computer)
    found = [of_descriptor(task, number, to_read=reads, computer=computer) for number, reads in asked[:16]]
    telling = [each for each in found if each.kind not in (Kind.EVENT, Kind.UNKNOWN, Kind.SIGNAL, Kind.TIMER)]
    own = [each for each in telling if not _is_own(each)]
    if telling and not own:
        return Found(Kind.SEVERAL, evidence=telling[0].evidence)
    told = own or found
    if len(told) == 1:
        return told[0]
    names = list(dict.fromkeys(each.name for each in told if each.name))
    others = {
        holder.pid or holder.host: holder for each in told for holder in each.holders if not holder.nobody
    }
    same = {each.kind for each in told}
    kind = same.pop() if len(same) == 1 else Kind.SEVERAL
    evidence = tuple(line for each in told[:4] for line in each.evidence)
    return Found(
        kind, ", ".join(names[:4]), holders=tuple(others.values())[: holders.MOST], evidence=evidence
    )


def _is_own(found: Found) -> bool:
    """A pipe or pair of sockets with which a loop wakes itself up."""
    return found.kind in (Kind.PIPE_READ, Kind.SOCKET_READ) and any(h.nobody for h in found.holders)


def _polled(task: Task) -> Asked | None:
    count = min(task.args[1], MOST_POLLED)
    raw = kernel.memory(task.pid, task.args[0], 8 * count)
    if len(raw) < 8 * count:
        return None
    found = []
    for number, events, _ in struct.iter_unpack("=ihh", raw):
        if number >= 0:
            found.append((number, bool(events & POLL_IN) or not events & POLL_OUT))
    return found


def _selected(task: Task) -> Asked | None:
    count = min(task.args[0], MOST_POLLED)
    found: Asked = []
    for address, reads in ((task.args[1], True), (task.args[2], False)):
        size = (count + 63) // 64 * 8
        if not address or not size:
            continue
        raw = kernel.memory(task.pid, address, size)
        if len(raw) < size:
            return None
        bits = int.from_bytes(raw, "little")
        found += [(number, reads) for number in range(count) if bits >> number & 1]
    return found


def _in_epoll(pid: int, number: int) -> Asked | None:
    found: Asked = []
    for line in descriptors.descriptor(pid, number).notes:
        words = line.split()
        if line.startswith("tfd:") and len(words) >= 4 and words[1].isdigit():
            events = int(words[3], 16)
            found.append((int(words[1]), bool(events & POLL_IN) or not events & POLL_OUT))
    return found


# --- threads of one program


WAIT, WAIT_BITSET, LOCK_PI, PRIVATE, CONTENDED = 0, 9, 6, 128, 2


def of_futex(task: Task, computer: Computer) -> Found:
    """A lock of the C library keeps the number of the thread that has it; pthread_join that of the one that
    is to end. Of other futexes nothing more is known here."""
    address, operation, value = task.args[0], task.args[1], task.args[2] & 0xFFFFFFFF
    for_s = kernel.timespec(task.pid, task.args[3]) if task.args[3] and not operation & 256 else None
    if not operation & PRIVATE and task.call == "futex":
        found = of_shared_lock(task, address, computer)
        if found is not None:
            return replace(found, for_s=for_s)
    shared = "" if operation & PRIVATE else "shared with other processes"
    raw = kernel.memory(task.pid, address, 12)
    if len(raw) < 12 or task.call != "futex":
        return Found(Kind.LOCK, detail=shared, for_s=for_s)
    word, _, owner = struct.unpack("=III", raw)
    own = kernel.threads(task.pid)
    if value == word and value in own and value != task.tid:
        return Found(Kind.THREAD, holders=(_thread(task.pid, value, "is to end"),))
    contended = operation & 127 in (WAIT, WAIT_BITSET) and value == word == CONTENDED
    if contended and owner in own:
        seen = f"/proc/{task.pid}/mem at {address:#x}: the lock is held by thread {owner}"
        return Found(Kind.LOCK, holders=(_thread(task.pid, owner, "holds"),), for_s=for_s, evidence=(seen,))
    if contended and owner and owner in kernel.threads(kernel.parent(task.pid)):
        seen = f"/proc/{task.pid}/mem at {address:#x}: held by thread {owner}, which is none of this process"
        return Found(
            Kind.LOCK,
            "a lock that was held when the process was copied (fork)",
            holders=(holders.NOBODY,),
            evidence=(seen,),
        )
    return Found(Kind.LOCK, detail=shared, for_s=for_s)


def _thread(pid: int, tid: int, verb: str) -> Holder:
    return Holder(pid, tid, thread=kernel.read(f"/proc/{pid}/task/{tid}/comm").strip(), verb=verb)
