"""Determine the memory that this process may still use, and reject work that needs more.

Linux grants memory that it does not have, and ends the process that then touches it, without a
word. What is large is therefore estimated before it is begun.
"""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def available_nbytes() -> int | None:
    """Return the bytes that this process may still use, or None where Linux does not tell.

    The least of what the machine has free, page cache included, and of what each control group
    that the process is in leaves of its limit (a container's or a batch system's).

    Returns
    -------
    int or None

    Examples
    --------
    >>> available_nbytes() > 1_000_000
    True
    """
    left = [nbytes for nbytes in (_machine(), *_group_limits()) if nbytes is not None]
    return min(left) if left else None


def check_memory(needed_nbytes: float, what: str) -> None:
    """Check that enough memory is available.

    Parameters
    ----------
    needed_nbytes : float
        Estimated need, in bytes.
    what : str
        The operation, for the message: ``"t2.nii.gz: to segment 20 x 512 x 512 voxels"``.

    Raises
    ------
    InputError
        It does not fit; the message has both figures.

    Examples
    --------
    >>> check_memory(1e6, "a small scan")
    >>> check_memory(1e18, "a scan of 10^17 voxels")
    Traceback (most recent call last):
    spinalcord.errors.InputError: a scan of 10^17 voxels takes about 1000000000.0 GB of memory; ...
    """
    if needed_nbytes < 1 << 20:
        return
    left = available_nbytes()
    if left is not None and needed_nbytes > left:
        raise InputError(
            f"{what} takes about {needed_nbytes / 1e9:.1f} GB of memory; {left / 1e9:.1f} GB are "
            "available to this process"
        )


def _machine() -> int | None:
    for line in _text(_MEMINFO).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _group_limits() -> list[int | None]:
    """Return what the groups leave: version 2 at every level, version 1 at the process's own."""
    found: list[int | None] = []
    for line in _text(_OWN_GROUP).splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        group = path.strip("/")
        if controllers == "":
            levels = [Path(group), *Path(group).parents]
            found += [_left(_GROUPS / level, "memory.max", "memory.current") for level in levels]
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            # Inside a container the process's own group is mounted at the root.
            found += [_left(_GROUPS / "memory" / at, *names) for at in (group, "")]
    return found


def _left(folder: Path, limit_name: str, used_name: str) -> int | None:
    limit, used = _text(folder / limit_name).strip(), _text(folder / used_name).strip()
    if not limit.isdigit() or not used.isdigit():  # "max", or no such group
        return None
    return max(0, int(limit) - int(used) + _cache(folder))


def _cache(folder: Path) -> int:
    """Return what the group holds of files' contents, which gives way to what is asked for."""
    names = ("inactive_file", "active_file", "total_inactive_file", "total_active_file")
    stated = dict(line.split()[:2] for line in _text(folder / "memory.stat").splitlines() if line)
    own = [int(stated[name]) for name in names[:2] if name in stated]
    total = [int(stated[name]) for name in names[2:] if name in stated]
    return sum(total or own)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
