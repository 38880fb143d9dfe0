"""What macOS and Windows tell of processes, by psutil: commands, ages, children; waits they do not tell, only
the Python stack does there."""

from __future__ import annotations

import time

import psutil


def words(pid: int) -> list[str]:
    """Its command; nothing where it is gone or another person's."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def is_living(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def age_s(pid: int) -> float | None:
    try:
        return max(0.0, time.time() - psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []
