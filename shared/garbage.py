"""Garbage collection, held off while a tick makes tens of thousands of values at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Make values without collections in between.

    Every 700 new containers start a collection, and some of these walk the whole heap, although a tick makes no
    cycles. What reference counting leaves is collected afterwards. Pauses may nest; the outermost counts.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
