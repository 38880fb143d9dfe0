"""What a Python stack alone says: what the thread waits for, and on behalf of which line of the program."""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence
from dataclasses import dataclass

from waste_gui.monitor.stack_words import STANDARD_LIBRARY, is_source
from waste_gui.monitor.waits.link import Kind, Place
from waste_gui.protocol import Frame, ThreadStack

LIBRARIES = re.compile(r"/(site-packages|dist-packages)/")
LINE_CHARS, PATH_CHARS = 400, 400


@dataclass(frozen=True)
class Said:
    """By a stack: a kind, and what the library calls it: "queue.get"."""

    kind: Kind
    call: str = ""


def _rules(*rules: tuple[str, Kind, str]) -> tuple[tuple[re.Pattern[str], Kind, str], ...]:
    return tuple((re.compile(pattern), kind, call) for pattern, kind, call in rules)


OUTER = _rules(
    (r"/filelock/|/portalocker/|/fasteners/|/torch/utils/file_baton\.py:", Kind.FILE_LOCK, "a lock file"),
    (
        r"/subprocess\.py:(\w+\.)?(wait|_wait|communicate|_communicate|run|call|check_output|check_call)$",
        Kind.CHILD,
        "subprocess",
    ),
    (r"/multiprocessing/(process|popen_\w+)\.py:(\w+\.)?(join|wait|poll)$", Kind.CHILD, "Process.join"),
    (
        r"/multiprocessing/pool\.py:(\w+\.)?(get|wait|next|map|starmap|apply|join|imap)",
        Kind.POOL,
        "a pool's workers",
    ),
    (r"/multiprocessing/queues\.py:(\w+\.)?get$", Kind.QUEUE, "a queue of another process"),
    (r"/multiprocessing/queues\.py:(\w+\.)?put$", Kind.FULL_QUEUE, "a queue of another process"),
    (r"/multiprocessing/synchronize\.py:", Kind.LOCK, "a lock shared between processes"),
    (r"/multiprocessing/connection\.py:(\w+\.)?(accept|_accept)$", Kind.LISTENING, "Listener.accept"),
    (r"/multiprocessing/connection\.py:", Kind.PIPE_READ, "another process (Connection.recv)"),
    (r"/concurrent/futures/process\.py:", Kind.RESULT, "a process of its pool"),
    (r"/concurrent/futures/", Kind.RESULT, "a result (Future)"),
    (r"/queue\.py:(\w+\.)?get$", Kind.QUEUE, "queue.get"),
    (r"/queue\.py:(\w+\.)?put$", Kind.FULL_QUEUE, "queue.put"),
    (r"/queue\.py:(\w+\.)?join$", Kind.QUEUE, "queue.join"),
    (r"/threading\.py:(Thread\.)?(join|_wait_for_tstate_lock)$", Kind.THREAD, "Thread.join"),
    (r"/threading\.py:_shutdown$", Kind.THREAD, "threads that have not ended"),
    (r"/threading\.py:Barrier\.|/threading\.py:_(wait|enter)$", Kind.BARRIER, "Barrier.wait"),
    (r"/threading\.py:(Bounded)?Semaphore\.", Kind.SEMAPHORE, "Semaphore.acquire"),
    (r"/threading\.py:Event\.wait$", Kind.EVENT, "Event.wait"),
    (r"/threading\.py:(Condition\.)?(wait|wait_for)$", Kind.CONDITION, "Condition.wait"),
    (r"/threading\.py:", Kind.LOCK, "Lock.acquire"),
    (r"/asyncio/", Kind.SEVERAL, "asyncio"),
    (
        r"/(requests|urllib3|httpx|httpcore|aiohttp|huggingface_hub|botocore|paramiko)\d?/|/urllib/request\.py:"
        r"|/http/client\.py:|/(ssl|socket|smtplib|ftplib|imaplib|poplib)\.py:(?!.*accept)",
        Kind.SOCKET_READ,
        "the network",
    ),
    (r"/socket\.py:(\w+\.)?accept$|/socketserver\.py:|/http/server\.py:", Kind.LISTENING, "accept"),
    (r"/sqlite3/", Kind.DATABASE, "sqlite3"),
    (r"/selectors\.py:", Kind.SEVERAL, "select"),
    (r"/getpass\.py:|/cmd\.py:|/(pdb|bdb)\.py:", Kind.INPUT, "input"),
)
"""`path:function` of a library's frame → what is waited for there; the outermost of those that stand
without interruption on top of the program decides."""

LINES = _rules(
    (r"\b(flock|lockf)\(", Kind.FILE_LOCK, "flock"),
    (r"\btime\.sleep\(|(?<![\w.])sleep\(", Kind.SLEEP, "sleep"),
    (r"(?<![\w.])input\(|stdin\.(read|readline)\b|getpass\(", Kind.INPUT, "input"),
    (r"\bwait(pid|id|3|4)?\((?=.*\bos\.)|\bos\.wait", Kind.CHILD, "waitpid"),
    (r"\.(execute|executemany|executescript|commit)\(", Kind.DATABASE, "a database"),
    (r"\.accept\(", Kind.LISTENING, "accept"),
    (r"\.connect\(|create_connection\(", Kind.CONNECTION, "connect"),
    (r"\.(recv|recv_into|recvfrom|recvmsg)\(", Kind.SOCKET_READ, "recv"),
    (r"\.(send|sendall|sendto)\(", Kind.SOCKET_WRITE, "send"),
    (r"\bsig(wait|waitinfo|timedwait)\(|signal\.pause\(", Kind.SIGNAL, "a signal"),
    (r"\b(select|poll|epoll)\w*\.(select|poll)\(|select\.select\(", Kind.SEVERAL, "select"),
    (r"\.acquire\(|^(async )?with [\w.]*(lock|mutex)\w*\b", Kind.LOCK, "a lock"),
    (r"\.(get|put)\((?=.*queue)|queue\w*\.(get|put)\(", Kind.QUEUE, "a queue"),
    (r"\bos\.read\(", Kind.PIPE_READ, "read"),
    (r"\bos\.write\(", Kind.PIPE_WRITE, "write"),
)
"""The line of the innermost frame: what it waits in is C, which has no frame of its own."""


def said_by(stack: ThreadStack) -> Said | None:
    """None where the stack says nothing of a wait."""
    found: Said | None = None
    for frame in reversed(stack.frames):
        place = f"{_path(frame)}:{frame.function}"
        rule = next((Said(kind, call) for rule, kind, call in OUTER if rule.search(place)), None)
        if BASE.search(place) or rule is None and not _is_library(frame):
            break
        if rule is not None and not (found is not None and rule.kind in VAGUE):
            found = rule
    if stack.waits_on is not None and (found is None or found.kind in VAGUE):
        found = BY_TYPE.get(stack.waits_on.type, found)
    if found is None and stack.frames:
        line = source_line(stack.frames[-1])
        found = next((Said(kind, call) for rule, kind, call in LINES if rule.search(line)), None)
    return found


BASE = re.compile(
    r"/threading\.py:(Thread\.)?(run|_bootstrap|_bootstrap_inner)$|/concurrent/futures/thread\.py:(_WorkItem\.)?run$"
)
"""Where a thread's own work begins: what is further out is not what it waits for."""

BY_TYPE = {
    "SimpleQueue": Said(Kind.QUEUE, "queue.get"),
    "Queue": Said(Kind.QUEUE, "queue.get"),
    "Event": Said(Kind.EVENT, "Event.wait"),
    "Semaphore": Said(Kind.SEMAPHORE, "Semaphore.acquire"),
    "BoundedSemaphore": Said(Kind.SEMAPHORE, "Semaphore.acquire"),
    "Barrier": Said(Kind.BARRIER, "Barrier.wait"),
    "Condition": Said(Kind.CONDITION, "Condition.wait"),
    "Future": Said(Kind.RESULT, "Future.result"),
    "lock": Said(Kind.LOCK, "Lock.acquire"),
    "RLock": Said(Kind.LOCK, "RLock.acquire"),
}
"""By the class of what the program itself says that it waits for."""

VAGUE = frozenset((Kind.LOCK, Kind.CONDITION, Kind.SEVERAL))
"""Less than what an inner frame has said already."""


def place_of(stack: ThreadStack) -> Place | None:
    """The innermost line that belongs to no library; if there is none, the innermost of no standard one."""
    for left_out in (_is_library, _is_standard):
        for frame in reversed(stack.frames):
            if not left_out(frame):
                return Place(frame.file, frame.line, frame.function)
    return None


def source_line(frame: Frame) -> str:
    """Of an ordinary file only: a stack may be a stranger's."""
    return linecache.getline(frame.file, frame.line).strip()[:LINE_CHARS] if is_source(frame.file) else ""


def stack_of(stacks: Sequence[ThreadStack], pid: int, tid: int) -> ThreadStack | None:
    """Of a thread by its number; of a main thread by its name where none is told."""
    for stack in stacks:
        if stack.pid == pid and (stack.native == tid or not stack.native and tid == pid and _is_main(stack)):
            return stack
    return None


def _is_main(stack: ThreadStack) -> bool:
    return stack.role == "main" or stack.thread == "MainThread"


def _is_standard(frame: Frame) -> bool:
    return bool(STANDARD_LIBRARY.search(_path(frame)))


def _is_library(frame: Frame) -> bool:
    path = _path(frame)
    return bool(STANDARD_LIBRARY.search(path) or LIBRARIES.search(path))


def _path(frame: Frame) -> str:
    """Of a long one its end: the patterns would take long on endless ones."""
    return frame.file[-PATH_CHARS:].replace(chr(92), "/")
