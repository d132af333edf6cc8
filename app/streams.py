"""The three standard streams: one that is closed, or whose other side goes away, must not end in a traceback."""

from __future__ import annotations

import os
import sys

_CLOSED = ((0, "stdin", os.O_WRONLY, "r"), (1, "stdout", os.O_RDONLY, "w"), (2, "stderr", os.O_WRONLY, "w"))


def plug() -> None:
    """A closed stream becomes one that cannot be read or written, stderr one that shows nothing.

    Left closed, its number would go to the next file to be opened, which would then be written by mistake.
    """
    for number, name, flags, mode in _CLOSED:
        if getattr(sys, name) is None:
            _divert(number, flags)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def let_go() -> None:
    """What a stream could not get rid of goes nowhere: at its end Python would try again, and complain."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            _divert(number, os.O_WRONLY)


def _divert(number: int, flags: int) -> None:
    nowhere = os.open(os.devnull, flags)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
