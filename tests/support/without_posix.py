"""Run ``mriparaspinal`` as on a system without what Unix alone has: ``python without_posix.py COMMAND …``.

What Windows lacks is taken away before the program is loaded, and in the processes that it starts: they begin
anew (``spawn``) and load this file. Of what Windows has in its place only ``msvcrt.locking`` is needed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import types

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline")

OF_OS = (
    *("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getpgid", "setsid", "killpg", "mkfifo"),
    *("mknod", "statvfs", "fstatvfs", "sched_getaffinity", "sched_setaffinity", "nice", "getloadavg"),
    *("chown", "lchown", "fchmod", "fchown", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC"),
    *("wait3", "wait4", "sysconf", "openpty", "posix_fadvise", "sync", "fdatasync", "ctermid", "getsid"),
)

OF_SIGNAL = (
    *("SIGHUP", "SIGKILL", "SIGALRM", "SIGVTALRM", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGPIPE", "SIGCHLD"),
    *("ITIMER_REAL", "ITIMER_VIRTUAL", "setitimer", "getitimer", "pthread_sigmask", "pthread_kill"),
    *("sigwait", "alarm", "pause", "siginterrupt", "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"),
)


def locks() -> types.ModuleType:
    """A ``msvcrt`` whose locks hold within one process."""
    held: dict[tuple[int, int], int] = {}

    def locking(descriptor: int, mode: int, _: int) -> None:
        if os.lseek(descriptor, 0, os.SEEK_CUR) < 2**30:
            raise RuntimeError("others cannot read what is locked")
        status = os.fstat(descriptor)
        key = status.st_dev, status.st_ino
        other = held.get(key)
        if mode == module.LK_NBLCK and other not in (None, descriptor) and same_file(other, key):
            raise PermissionError(13, "Permission denied")
        held[key] = descriptor

    def same_file(descriptor: int, key: tuple[int, int]) -> bool:
        try:
            status = os.fstat(descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == key

    module = types.ModuleType("msvcrt")
    module.LK_NBLCK, module.LK_UNLCK, module.locking = 2, 0, locking
    return module


def without(module: types.ModuleType, names: tuple[str, ...]) -> types.ModuleType:
    """A copy of a module that lacks some names; what is loaded already keeps the whole one."""
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update({name: value for name, value in vars(module).items() if name not in names})
    return copy


def no_folder_is_opened(path, flags, mode=0o777, **more):
    """Windows opens no folder as a file: neither to lock it nor to bring its names onto the disk."""
    if whole_os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return whole_os.open(path, flags, mode, **more)


# The standard library needs on Unix what is taken away: it is loaded first.
import concurrent.futures.process  # noqa: E402, F401
import multiprocessing.popen_spawn_posix  # noqa: E402
import multiprocessing.resource_tracker  # noqa: E402
import multiprocessing.synchronize  # noqa: E402
import subprocess  # noqa: E402, F401
import tempfile  # noqa: E402, F401

whole_os = os
if __name__ in ("__main__", "__mp_main__", "simulated"):  # not where tests are collected
    for name in MODULES:
        sys.modules[name] = None
    sys.modules["os"] = without(os, OF_OS)
    sys.modules["os"].open = no_folder_is_opened
    sys.modules["signal"] = without(signal, OF_SIGNAL)
    sys.modules["msvcrt"] = locks()


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    from mriparaspinal.cli import main

    sys.argv[0] = "mriparaspinal"
    main()
