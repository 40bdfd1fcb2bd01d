"""Noise without history: seeded hashes and smooth curves that are functions of time alone."""

from hashlib import blake2b
from math import sin, tau
from typing import TypeAlias

_MASK = (1 << 64) - 1
_UNIT = 2.0**-53

Waves: TypeAlias = tuple[tuple[float, float, float], ...]
"""Amplitude, radians per millisecond and phase of each sine."""


def key_of(seed: int, name: str) -> int:
    """64 bits that stand for a name in the world of a seed, the same on every machine."""
    return int.from_bytes(blake2b(f"{seed}:{name}".encode(), digest_size=8).digest(), "big")


def mix(a: int, b: int = 0, c: int = 0) -> int:
    """64 well mixed bits of up to three integers (finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    x = (a * 0x9E3779B97F4A7C15 + b * 0xC2B2AE3D27D4EB4F + c * 0x165667B19E3779F9) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def unit(a: int, b: int = 0, c: int = 0) -> float:
    """A number in [0, 1) that depends on the three integers alone."""
    return (mix(a, b, c) >> 11) * _UNIT


def waves(key: int, shape: tuple[tuple[float, float], ...]) -> Waves:
    """Sines of about the given (amplitude, period in seconds), each a little different for each key."""
    return tuple(
        (
            amplitude * (0.7 + 0.6 * unit(key, n, 1)),
            tau / (1000.0 * period_s * (0.8 + 0.4 * unit(key, n, 2))),
            tau * unit(key, n, 3),
        )
        for n, (amplitude, period_s) in enumerate(shape)
    )


def curve(of: Waves, clock_ms: int) -> float:
    """The sum of the sines at a moment, in the unit of their amplitudes."""
    total = 0.0
    for amplitude, speed, phase in of:
        total += amplitude * sin(speed * clock_ms + phase)
    return total
