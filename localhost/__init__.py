"""Runs a function_app.py (Python v2 programming model) where Azure Functions Core Tools are not installed.

For development only: one process, one loopback port, state in SQLite, no scaling, no TLS. It knows timers,
HTTP, queues and the Durable actions activity, activity with retry, task_all and timer; anything else is
refused by name when the app is indexed or the orchestration asks for it.
"""

from localhost.errors import StartError
from localhost.host import Host

__all__ = ["Host", "StartError"]
