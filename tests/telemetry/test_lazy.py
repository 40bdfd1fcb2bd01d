"""What telemetry costs before and without its use, seen in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("opentelemetry.sdk", "opentelemetry.exporter", "azure.monitor")

LOADED = f"""
import sys
print(*sorted(name for name in sys.modules if name.startswith({HEAVY!r})))
"""


def modules_after(code, **environment):
    """Which modules of the telemetry libraries a fresh process holds after running `code`."""
    run = subprocess.run(
        [sys.executable, "-c", code + LOADED],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "MARKET": "simulated", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_importing_the_app_loads_no_exporter_even_with_telemetry_on():
    connection = (
        "InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"
    )
    off = modules_after("import function_app")
    on = modules_after("import function_app", AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING=connection)
    assert off == on == []


def test_with_telemetry_off_using_it_loads_nothing():
    code = """
from shared.adapters.telemetry import make_metrics
metrics = make_metrics(None, None, "arbitrage-bot", "1.2.3", "simulated")
with metrics.span("scan", venues=4) as span:
    span.set(found=1)
    metrics.event("arbitrage_opportunity_detected", net_bps="3")
    metrics.measure("arbitrage_trades", 1, status="filled")
assert span.traceparent is None
"""
    assert modules_after(code) == []


@pytest.mark.parametrize("destination", ["None, 'http://127.0.0.1:9'", "'InstrumentationKey=x', None"])
def test_with_telemetry_on_nothing_is_loaded_before_the_first_use(destination):
    code = f"""
import asyncio
from shared.adapters.telemetry import make_metrics
metrics = make_metrics({destination}, "arbitrage-bot", "1.2.3", "simulated")
asyncio.run(metrics.close())
"""
    assert modules_after(code) == []


def test_an_otlp_endpoint_alone_loads_no_azure_library():
    code = """
from shared.adapters.telemetry import make_metrics
make_metrics(None, "http://127.0.0.1:9", "arbitrage-bot", "1.2.3", "simulated").measure("arbitrage_alarms", 1)
"""
    loaded = modules_after(code, OTEL_EXPORTER_OTLP_TIMEOUT="0.1")
    assert "opentelemetry.sdk.metrics" in loaded
    assert not [name for name in loaded if name.startswith("azure.monitor")]
