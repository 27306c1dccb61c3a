"""Puts the parts together: the command line, the daemon, `init`, `doctor` and the demo.

Promises: nothing here touches a mail's bytes or opens a sealed record; work on mail happens in short-lived processes
that end with what they read. It holds no rules of its own about mail, cases or keys: those live in the parts below.
"""

__version__ = "0.1.0"
