"""The decree as pure code: working time, clocks, the lifecycle of a case. No I/O; ``now`` is always an argument."""
