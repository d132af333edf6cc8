"""Who sits at the machine, where a command asks for no user of the casebook."""

from __future__ import annotations

import os


def login() -> str:
    """``cli:`` and the login name of the system, which cannot be put on as an environment variable can."""
    try:
        import pwd

        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"[:64]
    except ImportError:  # Windows
        import getpass

        return f"cli:{getpass.getuser()}"[:64]
    except KeyError:  # a container of an unnamed user
        return f"cli:{os.getuid()}"
