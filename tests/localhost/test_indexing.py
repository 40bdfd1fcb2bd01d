"""What the runner refuses before it starts, and says in one line."""

import os
import shutil
from pathlib import Path

import pytest

from localhost import StartError
from localhost.config import HostConfig, apply_local_settings, read_host_config
from localhost.indexing import load_app

ROOT = Path(__file__).parents[2]


def _refusal(sample, source):
    sample.write(source)
    with pytest.raises(StartError) as refused:
        load_app(sample.path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_unsupported_trigger_is_refused_by_name(sample):
    message = _refusal(
        sample,
        """
        @app.service_bus_queue_trigger(arg_name="msg", queue_name="q", connection="c")
        def on_bus(msg): pass
        """,
    )
    assert "function on_bus uses a binding type serviceBusTrigger" in message


def test_an_unsupported_output_is_refused_by_name(sample):
    message = _refusal(
        sample,
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
        @app.blob_output(arg_name="blob", path="a/b", connection="c")
        def writes(timer, blob): pass
        """,
    )
    assert "function writes uses a binding type blob" in message


def test_a_retry_policy_is_refused_by_name(sample):
    message = _refusal(
        sample,
        """
        @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
        @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
        def retries(timer): pass
        """,
    )
    assert "function retries uses a retry policy" in message


def test_bindings_and_parameters_must_have_the_same_names(sample):
    source = """
        @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
        def named({}): pass
    """
    assert "a binding 'timer' but no parameter" in _refusal(sample, source.format(""))
    assert "a parameter 'extra' but no binding" in _refusal(sample, source.format("timer, extra"))


async def test_a_route_constraint_is_refused_by_name(sample):
    sample.write("""
        @app.route(route="scans/{id:int}")
        def scan(req): return ""
    """)
    with pytest.raises(StartError, match=r"route segment '\{id:int\}' is not supported"):
        await sample.host().__aenter__()


def test_a_missing_app_is_named(tmp_path):
    with pytest.raises(StartError, match=r"no app at .*absent.py"):
        load_app(tmp_path / "absent.py")


def test_a_file_without_an_app_is_named(tmp_path):
    (tmp_path / "function_app.py").write_text("x = 1")
    with pytest.raises(StartError, match="defines 0 function apps"):
        load_app(tmp_path / "function_app.py")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "holds list, not an object"),
        ('{"extensions": {"queues": {"maxDequeueCount": 0}}}', "maxDequeueCount is 0; use a whole number"),
        ('{"extensions": {"queues": {"messageEncoding": "utf16"}}}', "'utf16'; use one of base64, none"),
        ('{"extensions": {"queues": {"visibilityTimeout": "30s"}}}', "'30s'; write it as hh:mm:ss"),
    ],
)
def test_a_wrong_host_json_is_refused_with_its_value(tmp_path, text, complaint):
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(StartError, match=complaint):
        read_host_config(tmp_path)


def test_host_json_is_read(tmp_path):
    assert read_host_config(tmp_path) == HostConfig()
    (tmp_path / "host.json").write_text(
        '{"extensions": {"http": {"routePrefix": "v1"}, "durableTask": {"hubName": "Hub"},'
        ' "queues": {"visibilityTimeout": "1.00:00:30", "batchSize": 4}}}'
    )
    config = read_host_config(tmp_path)
    assert (config.route_prefix, config.task_hub, config.batch_size) == ("v1", "Hub", 4)
    assert config.visibility_timeout_s == 86_430


def test_local_settings_fill_the_environment_without_overriding_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GIVEN", "environment")
    monkeypatch.setenv("FILLED", "x")
    monkeypatch.delenv("FILLED")
    (tmp_path / "local.settings.json").write_text('{"Values": {"GIVEN": "file", "FILLED": "file"}}')
    assert apply_local_settings(tmp_path) == (("FILLED",), ())
    assert (os.environ["GIVEN"], os.environ["FILLED"]) == ("environment", "file")


def test_storage_and_venues_of_core_tools_are_not_taken_for_this_runners_own(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {})
    shutil.copy(ROOT / "local.settings.example.json", tmp_path / "local.settings.json")
    taken, left = apply_local_settings(tmp_path)
    assert left == ("AzureWebJobsStorage", "SIMULATOR_URL")
    assert tuple(os.environ) == taken
    assert "MARKETS_SCHEDULE" in taken
