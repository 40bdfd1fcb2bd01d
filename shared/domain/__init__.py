"""The trading domain: standard library only, no clock, environment, log, I/O or async."""
