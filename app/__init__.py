"""Composition: configuration, wiring and the command line ``otklik``."""
