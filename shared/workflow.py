"""The orchestration: analyse every opportunity of a scan, execute what was not vetoed, record it all.

A plain generator over the Durable context, so that a host, a test or the command line can drive it.
It reads no clock, environment or random number: everything comes from its input and its activities.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

NAME = "trade_workflow"


def trade_workflow(context: Any, retry: Any) -> Generator[Any, Any, dict[str, Any]]:
    """Chain the activities of one scan.

    Args:
        context: the Durable orchestration context; its input is
            `{scan_id, blob, opportunities, traceparent}`, where `opportunities` lists ids, best first.
        retry: the retry options of every activity.

    Returns:
        `{scan_id, verdicts, trades}`, as the status link shows it.
    """
    work = context.get_input()
    judging = [
        context.call_activity_with_retry(
            "analyze",
            retry,
            {
                "scan_id": work["scan_id"],
                "blob": work["blob"],
                "opportunity_id": opportunity_id,
                "rank": rank,
                "traceparent": work.get("traceparent"),
            },
        )
        for rank, opportunity_id in enumerate(work["opportunities"])
    ]
    verdicts = yield context.task_all(judging)
    decided = {
        "scan_id": work["scan_id"],
        "blob": work["blob"],
        "verdicts": verdicts,
        "traceparent": work.get("traceparent"),
    }
    execution = yield context.call_activity_with_retry("execute", retry, decided)
    trades = yield context.call_activity_with_retry(
        "record", retry, {**decided, "execution": execution["blob"]}
    )
    return {"scan_id": work["scan_id"], "verdicts": verdicts, "trades": trades}
