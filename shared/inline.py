"""Drives the orchestration in process, for the command line and for replay: no host, no history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.workflow import trade_workflow

Activity = Callable[[dict[str, Any]], Awaitable[Any]]


class _InlineContext:
    """The part of the Durable context that the workflow uses; a task is an awaitable."""

    def __init__(self, work: dict[str, Any], activities: Mapping[str, Activity]) -> None:
        self._work = work
        self._activities = activities

    def get_input(self) -> dict[str, Any]:
        return self._work

    def call_activity_with_retry(self, name: str, _retry: object, given: dict[str, Any]) -> Awaitable[Any]:
        return self._activities[name](given)

    @staticmethod
    def task_all(tasks: list[Awaitable[Any]]) -> Awaitable[list[Any]]:
        return asyncio.gather(*tasks)


async def run_workflow(work: dict[str, Any], activities: Mapping[str, Activity]) -> dict[str, Any]:
    """Run the workflow to its end and return its output; an activity that fails fails the run."""
    steps = trade_workflow(_InlineContext(work, activities), None)
    answer: Any = None
    while True:
        try:
            task = steps.send(answer)
        except StopIteration as done:
            output: dict[str, Any] = done.value
            return output
        answer = await task
