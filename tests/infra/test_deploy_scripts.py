"""The deployment's scripts, with recorders in place of the Azure CLI, Docker and curl: what they do, in order."""

from __future__ import annotations

import gzip
import re

import pytest
from sqlalchemy.exc import DBAPIError

from infra.deploy import database_user
from tests.infra.recorders import put_recorders, recorded


@pytest.fixture
def script(root, run, tmp_path):
    """Runs a script with recorders that answer by pattern; gives the result and the calls."""

    def runner(name, *arguments, answers=()):
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        put_recorders([folder / tool for tool in ("az", "curl", "docker", "python", "sleep")], answers)
        env = {"PATH": f"{folder}:/usr/bin:/bin", "CALLS": str(calls)}
        result = run("bash", root / "infra/deploy" / name, *arguments, env=env)
        return result, [" ".join(words) for words in recorded(calls)]

    return runner


@pytest.fixture
def package(tmp_path):
    file = tmp_path / "package.zip"
    file.write_bytes(b"PK")
    return file


RUNNING = [
    ("'az functionapp show'*'properties.defaultHostName || defaultHostName'*", "echo app.example"),
    ("'az functionapp keys list'*", "echo durable-key"),
    ("'curl '*durabletask*", "echo '[]'"),
]


def steps(calls):
    """The kinds of call, in order."""
    kinds = {
        "appsettings set": "stop timers",
        "--setting-names AzureWebJobsStorage": "drop the empty connection",
        "durabletask": "look for workflows",
        "config-zip": "exchange",
        "blob upload": "exchange",
        "--setting-names AzureWebJobs.": "start timers",
        "/api/health": "ask for health",
    }
    found = [kind for call in calls for text, kind in kinds.items() if text in call]
    return [kind for number, kind in enumerate(found) if number == 0 or found[number - 1] != kind]


def test_timers_stop_and_workflows_end_before_the_package_is_exchanged(script, package):
    result, calls = script("release.sh", "group", "app", package, answers=RUNNING)
    assert result.returncode == 0, result.stderr
    assert steps(calls) == [
        "stop timers",
        "drop the empty connection",
        "look for workflows",
        "exchange",
        "start timers",
        "ask for health",
    ]


def test_an_app_without_a_host_name_stops_before_anything_changes(script, package):
    result, calls = script("release.sh", "group", "app", package)
    assert result.returncode == 1
    assert "app has no host name" in result.stderr
    assert steps(calls) == []


def test_a_key_that_cannot_be_asked_for_counts_as_workflows_that_run(script, package):
    once = 'if [ -e "$CALLS.asked" ]; then echo durable-key; else : > "$CALLS.asked"; exit 1; fi'
    answers = [(pattern, once if "keys list" in pattern else answer) for pattern, answer in RUNNING]
    result, calls = script("release.sh", "group", "app", package, answers=answers)
    assert result.returncode == 0, result.stderr
    assert "workflows running: unknown" in result.stdout
    asked = [number for number, call in enumerate(calls) if "keys list" in call]
    exchanged = next(number for number, call in enumerate(calls) if "config-zip" in call)
    assert len(asked) == 2
    assert asked[1] < exchanged


def test_a_new_app_without_a_key_has_nothing_to_wait_for(script, package):
    answers = [(pattern, "echo None" if "keys list" in pattern else answer) for pattern, answer in RUNNING]
    result, calls = script("release.sh", "group", "app", package, answers=answers)
    assert result.returncode == 0, result.stderr
    assert not any("/runtime/webhooks/durabletask" in call for call in calls)


def test_every_timer_of_the_product_is_stopped_and_started(script, package, root):
    names = re.findall(r"async def (\w+_timer)\(", (root / "function_app.py").read_text(encoding="utf-8"))
    _, calls = script("release.sh", "group", "app", package, answers=RUNNING)
    stopped = next(call for call in calls if "appsettings set" in call)
    started = next(call for call in calls if "--setting-names AzureWebJobs." in call)
    assert names
    for name in names:
        assert f"AzureWebJobs.{name}.Disabled=true" in stopped
        assert f"AzureWebJobs.{name}.Disabled" in started


def test_timers_start_again_when_the_exchange_fails(script, package):
    answers = [*RUNNING, ("*config-zip*", "exit 1")]
    result, calls = script("release.sh", "group", "app", package, answers=answers)
    assert result.returncode == 1
    assert steps(calls)[-1] == "start timers"


def test_on_linux_consumption_the_package_goes_into_the_container_that_is_mounted(script, package):
    result, calls = script("release.sh", "group", "app", package, "consumption", "storage", answers=RUNNING)
    assert result.returncode == 0, result.stderr
    upload = next(call for call in calls if "blob upload" in call)
    assert "--container-name app-package --name package.zip" in upload
    assert any("functionapp restart" in call for call in calls)


def test_a_package_that_is_not_there_stops_nothing(script):
    result, calls = script("release.sh", "group", "app", "nowhere.zip")
    assert result.returncode == 2
    assert "nowhere.zip is no file" in result.stderr
    assert calls == []


@pytest.mark.parametrize(
    "name",
    [
        "release.sh",
        "release_image.sh",
        "database.sh",
        "integration.sh",
        "keep_release.sh",
        "keep_image.sh",
        "roll_back.sh",
    ],
)
def test_too_few_arguments_show_how_it_is_used(script, name):
    result, calls = script(name)
    assert result.returncode == 2
    assert f"infra/deploy/{name} " in result.stderr
    assert calls == []


def test_the_database_is_migrated_before_the_identity_gets_in(script):
    result, calls = script("database.sh", "sql.example", "arbitrage", "id-arbitrage-dev")
    assert result.returncode == 0, result.stderr
    assert calls == ["python -m shared migrate", "python -m infra.deploy.database_user id-arbitrage-dev"]


def test_a_reader_of_the_database_gets_what_dashboards_may(script):
    arguments = ("sql.example", "arbitrage", "id-arbitrage-dev", "a-client-id", "amg-arbitrage-dev")
    result, calls = script("database.sh", *arguments)
    assert result.returncode == 0, result.stderr
    assert calls[1:] == [
        "python -m infra.deploy.database_user id-arbitrage-dev --client-id a-client-id",
        "python -m infra.deploy.database_user amg-arbitrage-dev --role arbitrage_reader",
    ]


@pytest.fixture
def image(tmp_path):
    file = tmp_path / "image.tar.gz"
    file.write_bytes(gzip.compress(b"image"))
    return file


IMAGES = [
    ("'docker load'*", "cat > /dev/null"),
    ("'az container show'*", "echo cr.azurecr.io/arbitrage:dev"),
    ("'az containerapp show'*latestReadyRevisionName*", "echo false"),
]
STARTS = [
    ("container_apps", "az containerapp update -g group -n app --image cr.azurecr.io/arbitrage:{}"),
    ("container_instances", "az container restart -g group -n app"),
]


@pytest.mark.parametrize(("hosting", "start"), STARTS)
def test_an_image_is_pushed_and_then_started(script, image, hosting, start):
    arguments = ("group", "app", image, "arbitrage:7", hosting, "cr.azurecr.io")
    result, calls = script("release_image.sh", *arguments, answers=IMAGES)
    assert result.returncode == 0, result.stderr
    started = next(number for number, call in enumerate(calls) if call.startswith(start.format(7)))
    assert calls.index("docker push cr.azurecr.io/arbitrage:7") < started


def test_an_image_that_is_not_there_changes_nothing(script):
    arguments = ("group", "app", "nowhere.tar.gz", "arbitrage:7", "container_apps", "cr.azurecr.io")
    result, calls = script("release_image.sh", *arguments)
    assert result.returncode == 2
    assert "nowhere.tar.gz is no file" in result.stderr
    assert calls == []


def test_a_container_app_is_released_once_its_new_revision_is_ready(script, image):
    twice = 'if [ -e "$CALLS.asked" ]; then echo false; else : > "$CALLS.asked"; echo true; fi'
    answers = [*IMAGES[:-1], (IMAGES[-1][0], twice)]
    arguments = ("group", "app", image, "arbitrage:7", "container_apps", "cr.azurecr.io")
    result, calls = script("release_image.sh", *arguments, answers=answers)
    assert result.returncode == 0, result.stderr
    assert sum("latestReadyRevisionName" in call for call in calls) == 2
    assert "sleep 10" in calls


def test_the_image_that_passed_is_kept_as_current(script):
    result, calls = script("keep_image.sh", "cr.azurecr.io", "arbitrage:7")
    assert result.returncode == 0, result.stderr
    assert calls == [
        "az acr login --name cr",
        "docker pull --quiet cr.azurecr.io/arbitrage:7",
        "docker tag cr.azurecr.io/arbitrage:7 cr.azurecr.io/arbitrage:current",
        "docker push cr.azurecr.io/arbitrage:current",
    ]


@pytest.mark.parametrize(("hosting", "start"), STARTS)
def test_rolling_back_starts_the_image_that_was_kept(script, hosting, start):
    arguments = ("group", "app", hosting, "storage", "cr.azurecr.io")
    digest = "cr.azurecr.io/arbitrage@sha256:" + 64 * "0"
    answers = [("'docker inspect'*", f"echo {digest}"), *IMAGES]
    result, calls = script("roll_back.sh", *arguments, answers=answers)
    assert result.returncode == 0, result.stderr
    assert "docker pull --quiet cr.azurecr.io/arbitrage:current" in calls
    assert any(call.startswith(start.replace("cr.azurecr.io/arbitrage:{}", digest)) for call in calls)
    if hosting == "container_instances":
        assert "docker push cr.azurecr.io/arbitrage:dev" in calls


def test_rolling_back_exchanges_the_package_for_the_one_that_was_kept(script):
    writes = """while [ "$1" != --file ]; do shift; done; echo PK > "$2\""""
    answers = [*RUNNING, ("'az storage blob download'*", writes)]
    result, calls = script("roll_back.sh", "group", "app", "flex", "storage", answers=answers)
    assert result.returncode == 0, result.stderr
    assert "--container-name releases --name current.zip" in calls[0]
    assert "exchange" in steps(calls)
    assert "ask for health" in steps(calls)


@pytest.mark.parametrize("hosting", ["container_apps", "container_instances"])
def test_rolling_back_the_first_image_says_that_nothing_was_kept(script, hosting):
    answers = [("'docker pull'*", "exit 1"), *IMAGES]
    arguments = ("group", "app", hosting, "storage", "cr.azurecr.io")
    result, calls = script("roll_back.sh", *arguments, answers=answers)
    assert result.returncode == 1
    assert "nothing was kept in cr.azurecr.io" in result.stderr
    assert not any("restart" in call or "update" in call for call in calls)


def test_rolling_back_the_first_release_says_that_nothing_was_kept(script):
    answers = [*RUNNING, ("'az storage blob download'*", "exit 1")]
    result, calls = script("roll_back.sh", "group", "app", "flex", "storage", answers=answers)
    assert result.returncode == 1
    assert "nothing was kept in storage" in result.stderr
    assert steps(calls) == []


def test_the_package_that_passed_is_kept_by_version_and_as_current(script, package):
    result, calls = script("keep_release.sh", "storage", package, "20261122.1")
    assert result.returncode == 0, result.stderr
    assert [re.search(r"--name (\S+)", call)[1] for call in calls] == [
        "history/20261122.1.zip",
        "current.zip",
    ]


def test_the_user_of_the_database_is_made_once_by_a_look_up_in_entra():
    assert database_user.create_user("id-arbitrage-dev") == (
        "IF DATABASE_PRINCIPAL_ID(N'id-arbitrage-dev') IS NULL "
        "CREATE USER [id-arbitrage-dev] FROM EXTERNAL PROVIDER;"
    )


def test_a_client_id_becomes_the_sid_in_the_databases_byte_order():
    create = database_user.create_user("id-arbitrage-dev", "00112233-4455-6677-8899-aabbccddeeff")
    assert "WITH SID = 0x33221100554477668899AABBCCDDEEFF, TYPE = E" in create


def test_where_entra_may_not_be_asked_the_client_id_serves(capsys):
    ran = []

    def refuses_look_ups(statement):
        if "EXTERNAL PROVIDER" in statement:
            raise DBAPIError(statement, (), Exception("Server identity does not have permission"))
        ran.append(statement)

    database_user.let_in(refuses_look_ups, "id-arbitrage-dev", "00112233-4455-6677-8899-aabbccddeeff")
    assert "WITH SID" in ran[0]
    assert ran[1] == "ALTER ROLE arbitrage_app ADD MEMBER [id-arbitrage-dev];"
    assert "Server identity does not have permission" in capsys.readouterr().err


def test_without_a_client_id_the_refusal_is_told():
    def refuses(statement):
        raise DBAPIError(statement, (), Exception("no"))

    with pytest.raises(DBAPIError):
        database_user.let_in(refuses, "id-arbitrage-dev", None)


def test_the_roles_that_users_join_are_made_by_a_migration(root):
    text = "\n".join(path.read_text(encoding="utf-8") for path in (root / "infra/sql").glob("*.sql"))
    assert set(database_user.ROLES) == set(re.findall(r"CREATE ROLE (\w+)", text))


def test_a_reader_joins_the_role_of_dashboards_and_no_other(capsys):
    assert database_user.main(["amg-arbitrage-dev", "--role", "arbitrage_reader", "--print"]) == 0
    joined = re.findall(r"ALTER ROLE (\w+) ADD MEMBER", capsys.readouterr().out)
    assert joined == ["arbitrage_reader"]


@pytest.mark.parametrize("name", ["", "x", "a]; DROP TABLE trades;--", "id'x"])
def test_a_name_that_is_no_identitys_is_refused(name):
    with pytest.raises(ValueError, match="is no name of a managed identity"):
        database_user.create_user(name)


def test_the_statements_can_be_read_before_they_run(capsys):
    assert database_user.main(["id-arbitrage-dev", "--print"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("ALTER ROLE")
