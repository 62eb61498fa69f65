"""Resources of this machine that are free for one process."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int | None:
    """Bytes of memory that this process can still allocate, within all known limits.

    Machine, container and process have limits; None if the system names none.

    >>> (free_bytes() or 1) > 0
    True
    """
    found = [
        bytes_ for bytes_ in (_of_machine(), _of_container(), _of_process()) if bytes_ is not None
    ]
    return max(0, min(found)) if found else None


def _of_machine() -> int | None:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container() -> int | None:
    try:
        most, used = (
            (CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current")
        )
        return None if most == "max" else int(most) - int(used) + _reclaimable()
    except (OSError, ValueError):
        return None


def _reclaimable() -> int:
    """Bytes of cached files that the container can reclaim."""
    for line in (CGROUP / "memory.stat").read_text().splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _of_process() -> int | None:
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):
        return None
    return None if most == resource.RLIM_INFINITY else most - pages * resource.getpagesize()
