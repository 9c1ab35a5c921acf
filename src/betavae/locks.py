"""Locks of open files, on every system: the one door to them. A lock dies with its owner, so nobody waits for the dead.

Ready-made locks truncate the file that they lock, want it writable and know no shared lock: here a lock file says who
holds it, and a folder that cannot be written is read under a lock that readers share.
"""

from __future__ import annotations

import errno
import os
import time

try:
    import fcntl
except ImportError:
    POSIX = False
else:
    POSIX = True

FAR = 2**30
"""Where the one byte lies that is locked where only ranges of bytes can be: behind all that a lock file says."""
AGAIN = 0.05
"""Seconds between two looks at a lock that cannot be waited for otherwise."""


def lock(descriptor: int, *, shared: bool = False, wait: bool = True, ends: float | None = None) -> bool:
    """Lock an open file until it is closed; False where another process holds it and ``wait`` is False, or holds it
    still when waiting ``ends`` (seconds since 1970; None: never).

    A ``shared`` lock is held by many at once where the system knows such locks, else by one. Raises OSError where the
    file system has no locks.
    """
    blocks = wait and ends is None
    while not (_flock(descriptor, shared, blocks) if POSIX else _lock_a_byte(descriptor)):
        if not wait or (ends is not None and time.time() >= ends):
            return False
        time.sleep(AGAIN)
    return True


def _flock(descriptor: int, shared: bool, blocks: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if blocks else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _lock_a_byte(descriptor: int) -> bool:
    import msvcrt

    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        os.lseek(descriptor, FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EDEADLK):
            return False
        raise
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)
    return True
