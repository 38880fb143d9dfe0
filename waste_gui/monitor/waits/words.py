"""A chain of waits in plain words: who waits for what, who could end it, where in the program, what to do.

Names come from outside (files, commands, addresses): each is made plain before it gets into a sentence.
"""

from __future__ import annotations

import os
from pathlib import Path

from waste_gui.monitor import formatting
from waste_gui.monitor.waits.link import Chain, Holder, Kind, Link, Place
from waste_gui.plain_text import plain

MOST_TOLD = 4
"""Links of a chain that are said in words; the rest stands in the evidence."""


def in_words(chain: Chain, home: Path | None = None) -> str:
    """One sentence each, in one paragraph."""
    parts = [waits(chain), where(chain), advice(chain)]
    return _short(" ".join(part for part in parts if part), home)


def waits(chain: Chain) -> str:
    """Who waits for what, link by link, and who could end it."""
    links = told(chain)
    sentences = [_sentence(link) for link in links[:MOST_TOLD]]
    if len(links) > MOST_TOLD:
        left, last = len(links) - MOST_TOLD, links[-1]
        sentences.append(f"At the end of {left} more, {_who(last)} {predicate(last)}{_holders(last)}.")
    if chain.circle is not None:
        names = [_who(link) for link in chain.links[chain.circle :]]
        round_ = " → ".join((*names, names[0]))
        sentences.append(f"They wait for each other ({round_}): a deadlock, which does not pass by itself.")
    return " ".join(_capital(sentence) for sentence in sentences)


def told(chain: Chain) -> tuple[Link, ...]:
    """Without what another program does meanwhile, unless that is stuck itself: that it sleeps, or waits for
    a child, is its own business. What one of the links has started itself is no other program."""
    links = chain.links
    if chain.circle is not None:
        return links
    for index, link in enumerate(links[1:], start=1):
        started = any(link.parent == earlier.pid for earlier in links[:index])
        handed_on = links[index - 1].kind in HANDED_ON or started and link.kind in WAITS_OF_ITS_OWN
        if link.kind in OWN_BUSINESS and not handed_on:
            return links[:index]
    return links


HANDED_ON = (Kind.CHILD, Kind.THREAD, Kind.PHOTOS, Kind.RESULT, Kind.POOL, Kind.QUEUE, Kind.LOCK)
WAITS_OF_ITS_OWN = (Kind.CHILD, Kind.SIGNAL, Kind.SEVERAL, Kind.SLEEP)
OWN_BUSINESS = (Kind.SLEEP, Kind.CHILD, Kind.RUNS, Kind.SIGNAL, Kind.UNKNOWN, Kind.ENDED, Kind.SEVERAL)


def _sentence(link: Link) -> str:
    return f"{_who(link)} {predicate(link)}{_holders(link)}."


def _who(link: Link) -> str:
    if link.role == "main":
        return "the training"
    if link.role == "engine":
        return f"the thread “{plain(link.thread)}” of the training"
    if link.role == "worker":
        return f"data worker {link.pid}"
    process = _process(link.command, link.pid)
    return process if link.tid == link.pid else f"the thread “{plain(link.thread)}” of {process}"


def _process(command: str, pid: int) -> str:
    return f"{plain(command)} ({pid})" if command else f"process {pid}"


# --- what it waits for


def predicate(link: Link) -> str:
    """What follows the name of who waits."""
    if link.kind is Kind.FILE:
        becomes = f"for {plain(link.name)} to {link.detail}" if link.detail else f"for {plain(link.name)}"
        return f"sleeps for moments again and again, it seems waiting {becomes}"
    if link.kind is Kind.SLEEP and link.for_s:
        return f"sleeps (for {'another ' if link.detail else ''}{formatting.span(link.for_s)})"
    return STATES.get(link.kind) or f"waits {_for(link)}"


STATES = {
    Kind.SLEEP: "sleeps",
    Kind.STOPPED: "is stopped (SIGSTOP, or Ctrl+Z)",
    Kind.RUNS: "runs and waits for nothing",
    Kind.ENDED: "has ended",
    Kind.UNKNOWN: "waits for something that cannot be read",
}


def _for(link: Link) -> str:
    name, holder = plain(link.name), link.holder
    match link.kind:
        case Kind.FILE_LOCK:
            return f"for a lock on {name}" if name else "for a lock file"
        case Kind.DATABASE:
            return f"for the database {name}, which is locked" if name else "for a database"
        case Kind.PIPE_READ:
            return f"for something to come out of {_pipe(link)}"
        case Kind.PIPE_WRITE:
            return f"for room in {_pipe(link)}, which is full"
        case Kind.FIFO_OPEN:
            return f"for the other end of the named pipe {name} to be opened"
        case Kind.SOCKET_READ:
            return f"for an answer from {name or 'the network'}"
        case Kind.SOCKET_WRITE:
            return f"for {name or 'the other end'} to take what it sends"
        case Kind.CONNECTION:
            return f"for a connection to {name or 'another computer'}"
        case Kind.LISTENING:
            return f"for somebody to connect to {name or 'it'}"
        case Kind.INPUT:
            return f"for something to be typed at the terminal{f' {name}' if name else ''}"
        case Kind.TERMINAL_WRITE:
            return f"for the terminal {name} to show what it writes (Ctrl+S stops it, Ctrl+Q continues)"
        case Kind.DEVICE:
            return f"for the device {name}"
        case Kind.CHILD:
            if holder is None or holder.nobody:
                return f"for a process that it started{f' ({name})' if name else ''} to end"
            return f"for {_many(link)}, which it started, to end"
        case Kind.THREAD:
            who = holder.thread if holder else name
            if len(link.holders) > 1:
                names = ", ".join(f"“{plain(each.thread)}”" for each in link.holders[:4])
                return f"for one of its other threads to end: {names}"
            return f"for the thread “{plain(who)}” to end" if who else "for another of its threads to end"
        case Kind.DISK:
            return f"for {name or 'a drive'}" + (f", {plain(link.detail)}" if link.detail else "")
        case Kind.MEMORY:
            return f"for {name} ({plain(link.detail)})"
        case Kind.SEVERAL:
            return f"for one of several: {name}" if name else "for a timer, or for something to wake it up"
    return f"for {_within(link)}"


def _pipe(link: Link) -> str:
    if link.name.startswith("/"):
        return f"the named pipe {plain(link.name)}"
    return f"a pipe ({plain(link.detail)})" if link.detail else "a pipe"


WITHIN = {
    Kind.LOCK: "a lock",
    Kind.CONDITION: "another thread to notify it (Condition.wait)",
    Kind.QUEUE: "something to come into a queue that is empty",
    Kind.FULL_QUEUE: "room in a queue that is full",
    Kind.EVENT: "an event to be set",
    Kind.SEMAPHORE: "a semaphore",
    Kind.BARRIER: "the other threads at a barrier",
    Kind.RESULT: "a result that another thread or process is to bring",
    Kind.POOL: "the results of a pool of processes",
    Kind.SIGNAL: "a signal",
    Kind.MESSAGE: "a message in a queue of the system",
    Kind.WATCH: "files to change",
    Kind.TIMER: "a timer",
    Kind.PHOTOS: "photos",
}


def _within(link: Link) -> str:
    words = WITHIN.get(link.kind, link.kind.value)
    if link.kind in (Kind.LOCK, Kind.SEMAPHORE) and link.detail:
        words = f"a lock or semaphore {link.detail}"
    if link.name and link.kind not in (Kind.SIGNAL, Kind.WATCH, Kind.TIMER):
        words += f" ({plain(link.name)})"
    return words


# --- who could end it


def _holders(link: Link) -> str:
    """With a comma before it; nothing where nothing is known, or it was said already."""
    holder = link.holder
    if holder is None or link.kind is Kind.THREAD:
        return ""
    if holder.nobody and holder.verb == "itself" and link.kind is Kind.DATABASE:
        return ": it itself has locked it, by another connection"
    if holder.nobody and holder.verb == "itself":
        return ", and only it itself has the other end: another thread of it would have to act"
    if link.held_by_itself and link.kind in (Kind.FILE_LOCK, Kind.DATABASE):
        return ", which it itself has locked: one of its threads has to let go of it"
    if holder.nobody:
        return NOBODY.get(link.kind, ", and there is nobody who could end that")
    if holder.host:
        if link.kind in SOCKETS:
            return "; that is another computer"
        return f"; it is kept by {plain(holder.host)}" if not holder.pid else ""
    if link.kind is Kind.CHILD:
        return _about(holder)
    if holder.thread:
        names = ", ".join(f"“{plain(each.thread)}”" for each in link.holders[:4])
        if len(link.holders) > 1:
            return f"; the threads {names} {PLURAL.get(holder.verb, holder.verb)}"
        return f"{', which' if holder.verb == 'holds' else ';'} the thread {names} {holder.verb}"
    joint = ", which" if link.kind in (Kind.FILE_LOCK, Kind.DATABASE) else ";"
    verb = holder.verb if len(link.holders) == 1 else PLURAL.get(holder.verb, holder.verb)
    return f"{joint} {_many(link)} {verb}{_about(holder)}"


PLURAL = {
    "holds": "hold",
    "has the other end": "have the other end",
    "listens there": "listen there",
    "has it open": "have it open",
    "uses it, too": "use it, too",
    "has it, too": "have it, too",
    "works for it": "work for it",
}

NOBODY = {
    Kind.PIPE_READ: ", and no process has the other end: nothing will come",
    Kind.PIPE_WRITE: ", and no process reads from it",
    Kind.FIFO_OPEN: ", and no process has it open",
    Kind.CHILD: ", and it has ended already",
    Kind.SOCKET_READ: ", and no process of this computer has the other end",
    Kind.CONNECTION: ", and no process of this computer listens there",
    Kind.FILE_LOCK: ", and nobody is there that holds it: it was left behind",
    Kind.LOCK: ", and no other thread has to do with it: nobody will release it",
}


def _many(link: Link) -> str:
    """The first holders by name, the others counted."""
    told = [_process(holder.command, holder.pid) for holder in link.holders[:2]]
    left = len(link.holders) - len(told)
    if left:
        return f"{', '.join(told)} and {left} more"
    return " and ".join(told)


def _about(holder: Holder) -> str:
    """How old it is, and whether it is stopped."""
    parts = []
    if holder.age_s is not None:
        parts.append(f"it began {formatting.span(holder.age_s)} ago")
    if holder.stopped:
        parts.append("it is stopped")
    return f" ({', '.join(parts)})" if parts else ""


# --- where, and what to do


def where(chain: Chain) -> str:
    place = chain.first.place
    if place is None:
        return ""
    file = plain(_file(place))
    return f"Called from {file}, line {place.line} ({plain(place.function.rpartition('.')[2])})."


def at(place: Place) -> str:
    """For within a sentence."""
    return f"in {plain(place.function.rpartition('.')[2])} ({plain(_file(place))}, line {place.line})"


def _file(place: Place) -> str:
    return place.file.replace(chr(92), "/").rpartition("/")[2]


def advice(chain: Chain) -> str:
    """By the end of the chain: that is what holds all of it."""
    if chain.circle is not None:
        return "End one of them; training can go on from what was saved last."
    last = told(chain)[-1]
    if last.kind is Kind.STOPPED:
        return f"Continue it: kill -CONT {last.pid}."
    if last.kind is Kind.LISTENING and len(told(chain)) > 1:
        return f"Look at {_process(last.command, last.pid)}: it waits for other clients, and does not answer."
    if last.held_by_itself and last.kind in (Kind.FILE_LOCK, Kind.DATABASE):
        return f"It does not pass as long as it keeps that: look at what else {_who(last)} does, or end it."
    held = [link.holder for link in told(chain) if link.kind in HELD and link.holder and link.holder.pid]
    if held:
        return f"Let {_process(held[-1].command, held[-1].pid)} finish, or end it."
    if last.kind in SOCKETS and last.holder and last.holder.pid:
        return f"Look at {_process(last.holder.command, last.holder.pid)}: it does not answer."
    nobody = last.holder is not None and last.holder.nobody
    of = last if nobody or last.kind in ADVICE and last.kind is not Kind.SLEEP else chain.first
    return (AND_NOBODY if nobody else {}).get(of.kind) or ADVICE.get(of.kind, "")


SOCKETS = (Kind.SOCKET_READ, Kind.SOCKET_WRITE, Kind.CONNECTION)
HELD = (Kind.FILE_LOCK, Kind.DATABASE, Kind.CHILD)


AND_NOBODY = {
    Kind.FILE_LOCK: "A program that crashed left it behind: delete it, and this one goes on.",
    Kind.PIPE_READ: "Stop it, and look at the program that should have written.",
    Kind.FIFO_OPEN: "Start the program that belongs to the other end, or stop this one.",
    Kind.LOCK: "This does not pass: stop it and start again.",
    Kind.CONNECTION: "Start the server, or look at the address.",
}
ADVICE = {
    Kind.FILE_LOCK: "Let the program that holds it finish, or end it; one that nobody holds can be deleted.",
    Kind.DATABASE: "End the program that has the database open, or let it finish.",
    Kind.PIPE_READ: "Look at the program at the other end, or stop this one.",
    Kind.PIPE_WRITE: "The program at the other end does not read: look at it, or end it.",
    Kind.FIFO_OPEN: "Start the program that belongs to the other end, or stop this one.",
    Kind.FILE: "Look at what should make, remove or change that file, or stop it.",
    Kind.SOCKET_READ: "Check the network and that server.",
    Kind.SOCKET_WRITE: "Check the network and that server.",
    Kind.CONNECTION: "Check the network, the address and that server.",
    Kind.LISTENING: "It is a server that waits for its clients: nothing is wrong with that.",
    Kind.INPUT: "Type there, or stop it.",
    Kind.CHILD: "Let it finish, or end it.",
    Kind.SLEEP: "It goes on by itself, or sleeps again: look at that line of the program.",
    Kind.DISK: "Check that drive; when it answers, it goes on by itself. Ending it may not work until then.",
    Kind.MEMORY: "Check the drive, and whether the computer is out of memory.",
    **dict.fromkeys(
        (Kind.LOCK, Kind.CONDITION, Kind.QUEUE, Kind.FULL_QUEUE, Kind.EVENT, Kind.SEMAPHORE, Kind.BARRIER),
        "If that does not come, stop it and start again.",
    ),
    Kind.RESULT: "Look at what works on it, or stop it and start again.",
    Kind.POOL: "Look at the processes of the pool, or stop it and start again.",
    Kind.SIGNAL: "Another program has to send it, or stop this one.",
    Kind.STOPPED: "Continue it.",
}


def evidence(chain: Chain) -> tuple[str, ...]:
    """Fact by fact, each with where it was read."""
    return tuple(plain(line) for link in chain.links for line in link.evidence)


def _capital(sentence: str) -> str:
    return (
        sentence[:1].upper() + sentence[1:]
        if sentence.startswith(("the ", "data ", "process "))
        else sentence
    )


def _short(text: str, home: Path | None) -> str:
    """With ~ for the home folder."""
    folder = str(home or Path.home())
    return text.replace(folder + os.sep, "~" + os.sep) if len(folder) > 1 else text
