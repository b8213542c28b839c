"""What the kernel can do for a process that holds keys for a moment."""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4


def harden_process() -> bool:
    """Refuse core dumps, and other processes of the same user a look into our memory.

    The limit of zero stops core files, but not a core handler behind a pipe; a process that is not dumpable gives
    neither. It also makes `/proc/PID/{mem,environ,maps}` readable by root alone and debuggers unable to attach.
    Programs that we start are dumpable again, since `execve` resets it.

    Returns:
        Whether the kernel took both; elsewhere than on Linux only the limit is there to be set.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    none = ctypes.c_ulong(0)
    return int(libc.prctl(PR_SET_DUMPABLE, none, none, none, none)) == 0
