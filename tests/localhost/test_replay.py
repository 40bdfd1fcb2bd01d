"""The replay's sequence ids against the SDK's own, over random orchestrators and random completions."""

import json
import random

import azure.durable_functions as df
import pytest

from localhost.instances import new_event
from localhost.replay import EventType, Replay

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=5, max_number_of_attempts=2)


def _program(rng):
    """A random sequence of steps: an activity, a retried one, a timer, or a task_all of such.

    A task_all inside another holds timers only: one whose child fails before another succeeds completes
    twice in the SDK, which then raises.
    """

    def step(kinds, depth=0):
        kind = rng.choice(kinds)
        inner = kinds if depth == 0 else ("timer",)
        return [kind, [step(inner, depth + 1) for _ in range(rng.randrange(4))]] if kind == "all" else [kind]

    return [step(("activity", "retry", "timer", "all")) for _ in range(rng.randrange(1, 5))]


def _task(context, step):
    match step:
        case ["activity"]:
            return context.call_activity("a", None)
        case ["retry"]:
            return context.call_activity_with_retry("r", RETRY, None)
        case ["timer"]:
            return context.create_timer(context.current_utc_datetime)
        case ["all", children]:
            return context.task_all([_task(context, child) for child in children])


def _orchestrator(program):
    def run(context):
        for step in program:
            try:
                yield _task(context, step)
            except Exception as error:
                if "broken" not in str(error):
                    raise
        return "end"

    return run


def _sdk(program, history):
    """Replay in the SDK; return its state and the ids of the tasks it still waits for."""
    body = {
        "history": history,
        "instanceId": "i",
        "isReplaying": True,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }
    context = df.DurableOrchestrationContext.from_json(json.dumps(body))
    state = json.loads(df.Orchestrator(_orchestrator(program)).handle(context))
    return state, set(context.open_tasks)


def _completion(rng, kind, task_id):
    if kind == "timer":
        return new_event(EventType.TIMER_FIRED, TimerId=task_id)
    if rng.random() < 0.4:
        return new_event(EventType.TASK_FAILED, TaskScheduledId=task_id, Reason="broken", Details="")
    return new_event(EventType.TASK_COMPLETED, TaskScheduledId=task_id, Result="1")


@pytest.mark.parametrize("seed", range(8))
def test_random_orchestrators_get_the_sdks_ids_and_run_only_when_they_can_go_on(seed):
    rng = random.Random(seed)
    for _ in range(25):
        program = _program(rng)
        started = new_event(EventType.EXECUTION_STARTED, Name="o", Version="", Input=None)
        history = [new_event(EventType.ORCHESTRATOR_STARTED), started]
        state, waited_for = _sdk(program, history)
        replay = Replay(state["actions"][0])
        open_tasks = {task.id: "activity" if task.activity else "timer" for task in replay.feed(history)[0]}
        while not state["isDone"]:
            assert set(open_tasks) == waited_for
            done = rng.sample(sorted(open_tasks), rng.randint(1, min(3, len(open_tasks))))
            events = [_completion(rng, open_tasks.pop(task_id), task_id) for task_id in done]
            history += [new_event(EventType.ORCHESTRATOR_STARTED), *events]
            scheduled, resumes = replay.feed(events)
            before = state
            state, waited_for = _sdk(program, history)
            if not resumes:
                assert state == before
            else:
                replay = Replay(state["actions"][0])
                known = set(open_tasks)
                everything, _ = replay.feed(history)
                completed = {event.get("TaskScheduledId", event.get("TimerId")) for event in history}
                scheduled = [task for task in everything if task.id not in known | completed]
            open_tasks |= {task.id: "activity" if task.activity else "timer" for task in scheduled}
