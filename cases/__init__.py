"""The decree as pure code: working time, clocks, the lifecycle of a case. No I/O; ``now`` is always an argument."""

from cases.calendar import NoWorkingTimeError, UnknownYearError, WorkingTime
from cases.clocks import Clock, Clocks
from cases.terms import Terms

__all__ = ["Clock", "Clocks", "NoWorkingTimeError", "Terms", "UnknownYearError", "WorkingTime"]
