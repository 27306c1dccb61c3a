"""A system call filter that lets a process compute, read and write what it already holds, and end. No more.

A list of what is allowed, not of what is denied: a call that nobody thought of is refused too. Assembled by hand since
it is forty lines for the two architectures that we meet, and a binding would bring a C library that pip cannot install.
Refused calls fail with EPERM and do not kill, so that libraries which merely ask (isatty, say) go on.
"""

from __future__ import annotations

import ctypes
import errno

from ingest import kernel
from ingest.errors import NotIsolated

_LOAD_WORD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32  # offsets in struct seccomp_data; little-endian low halves
_PROT_EXEC = 4

# Nothing here opens, connects, signals another process, starts one, or changes what a descriptor is.
# fcntl and ioctl are absent since F_SETOWN can send signals.
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
    "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19,
    "writev": 20, "select": 23, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39,
    "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "shutdown": 48, "exit": 60, "gettimeofday": 96,
    "getrusage": 98, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "sched_getaffinity": 204,
    "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231,
    "pselect6": 270, "ppoll": 271, "getrandom": 318, "membarrier": 324, "rseq": 334,
}  # fmt: skip
_AARCH64 = {
    "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222, "mprotect": 226, "munmap": 215,
    "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "pread64": 67, "readv": 65,
    "writev": 66, "sched_yield": 124, "mremap": 216, "madvise": 233, "nanosleep": 101, "getpid": 172,
    "sendto": 206, "recvfrom": 207, "sendmsg": 211, "recvmsg": 212, "shutdown": 210, "exit": 93,
    "gettimeofday": 169, "getrusage": 165, "times": 153, "getuid": 174, "getgid": 176, "geteuid": 175,
    "getegid": 177, "getppid": 173, "sigaltstack": 132, "gettid": 178, "futex": 98, "sched_getaffinity": 123,
    "restart_syscall": 128, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94,
    "pselect6": 72, "ppoll": 73, "getrandom": 278, "membarrier": 283, "rseq": 293,
}  # fmt: skip
_ARCHITECTURES = {"x86_64": (0xC000_003E, _X86_64), "aarch64": (0xC000_00B7, _AARCH64)}
_MAPPING = ("mmap", "mprotect")

Instruction = tuple[int, int, int, int]


def apply() -> None:
    """Filter this process from now on. Needs no-new-privs, or CAP_SYS_ADMIN."""
    instructions = program(kernel.machine())
    array = (kernel.SockFilter * len(instructions))(*(kernel.SockFilter(*each) for each in instructions))
    filter_ = kernel.SockFprog(len(instructions), array)
    kernel.prctl(kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, ctypes.addressof(filter_))


def program(machine: str) -> list[Instruction]:
    """The filter in classic BPF (kernel, Documentation/userspace-api/seccomp_filter.rst)."""
    if machine not in _ARCHITECTURES:
        raise NotIsolated(f"No system call filter for the architecture {machine}.")
    architecture, numbers = _ARCHITECTURES[machine]
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    code: list[Instruction] = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD_WORD, 0, 0, _NUMBER),
    ]
    for name, number in numbers.items():
        if name in _MAPPING:  # memory yes, but none that can be run: no code comes in with a mail
            code += [
                (_JUMP_EQUAL, 0, 4, number),
                (_LOAD_WORD, 0, 0, _THIRD_ARGUMENT),
                (_JUMP_SET, 0, 1, _PROT_EXEC),
                refuse,
                allow,
            ]
        else:
            code += [(_JUMP_EQUAL, 0, 1, number), allow]
    return [*code, refuse]
