"""What the documents tell a reader to type, to open and to follow is there."""

import re
import shutil
import subprocess
import urllib.parse
from dataclasses import fields

import pytest

import simulator.__main__
from localhost.__main__ import _parse
from localhost.indexing import HTTP, load_app
from localhost.keys import load_keys
from localhost.web import route_of
from shared.__main__ import parser
from shared.domain.opportunity import Reason
from shared.settings import Settings, read
from tests.docs.documents import DOCUMENTS, ROOT, anchors, blocks, commands, links, named_files

README = ROOT / "README.md"
ALL = [command for document in DOCUMENTS for command in commands(document)]
SETTINGS = {item.metadata["name"] for item in fields(Settings) if "name" in item.metadata}
MAKE_VARIABLES = {"PYTHON", "VENV", "PORT", "SEED", "MARKET", "ARGS"}


def named(document):
    return str(document.relative_to(ROOT))


def of(*words):
    """The commands that begin with these words, whichever Python runs them."""
    found = []
    for command in ALL:
        first = re.sub(r"(.*/)?python3?(\.\d+)?$", "python", command.words[0])
        if (first, *command.words[1 : len(words)]) == words:
            found.append(command)
    return found


async def _nothing(*_given, **_options):
    return 0


def test_there_are_commands_to_check():
    assert len(of("make")) > 2
    assert len(of("python", "-m")) > 2


@pytest.mark.skipif(shutil.which("make") is None, reason="make is absent")
@pytest.mark.parametrize("command", of("make"), ids=str)
def test_make_knows_its_target_and_variables(command):
    given = [word for word in command.words[1:] if "=" in word]
    targets = [word for word in command.words[1:] if "=" not in word]
    names = {word.split("=")[0] for word in (*given, *command.settings)}
    assert names <= MAKE_VARIABLES | SETTINGS | {"LOCALHOST_FUNCTION_KEY"}
    planned = subprocess.run(
        [shutil.which("make"), "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert planned.returncode == 0, planned.stderr


def simulate(words):
    return simulator.__main__.main(words) == 0


PARSERS = {
    "shared": lambda words: parser().parse_args(words).run,
    "localhost": _parse,
    "simulator": simulate,
}
"""How the modules of the repository that can be run read their words."""


@pytest.mark.parametrize("command", of("python", "-m"), ids=str)
def test_python_runs_a_module_that_is_there_with_words_that_it_knows(command, monkeypatch):
    monkeypatch.setattr(simulator.__main__, "_serve", _nothing)
    module, words = command.words[2], list(command.words[3:])
    if module.startswith("benchmarks."):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()
    else:
        assert module in {"venv", "pip", "pytest"} or PARSERS[module](words)


@pytest.mark.parametrize("command", ALL, ids=str)
def test_a_file_of_the_repository_that_a_command_names_is_there(command):
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."}
    for word in command.words:
        path = word.removeprefix("./").removeprefix("@")
        if re.fullmatch(r"[\w./-]+", path) and path.split("/")[0] in rooms and "/" in path:
            assert (ROOT / path).exists(), word


@pytest.fixture(scope="module")
def routes():
    return [route_of(function) for function in load_app(ROOT / "function_app.py").triggered_by(HTTP).values()]


@pytest.mark.filterwarnings("ignore:azure.functions df_loads was called")
@pytest.mark.parametrize("command", of("curl"), ids=str)
def test_curl_asks_a_route_that_is_there(command, routes):
    words = list(command.words)
    urls = [word for word in words if "/api/" in word and "$" not in word.split("/api/")[1].split("?")[0]]
    method = next((words[n + 1] for n, word in enumerate(words) if word in {"-X", "--request"}), "GET")
    for url in urls:
        path = urllib.parse.urlsplit(url.split("/api/")[1]).path.split("/")
        assert any(
            method in route.methods
            and len(path) == len(route.segments)
            and all(part == asked or part[0] == "{" for part, asked in zip(route.segments, path, strict=True))
            for route in routes
        ), url


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is absent")
@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_shell_block_is_a_script(document):
    for block in blocks(document):
        checked = subprocess.run(
            [shutil.which("bash"), "-n"], input=block, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, ""), block


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document):
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_that_the_prose_names_is_there(document):
    assert [path for path in named_files(document) if not (ROOT / path).exists()] == []


def test_every_setting_that_the_readme_tabulates_exists():
    table = README.read_text().split("## Configuration")[1].split("\n## ")[0]
    names = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert names
    assert names <= SETTINGS


def test_the_settings_that_the_readme_gives_as_examples_are_read():
    examples = [command for command in of("export") if command.document == README]
    given = dict(word.split("=", 1) for command in examples for word in command.words[1:])
    assert given.keys() == {"FEES", "BLOCK_LIST", "ALIASES"}
    for name, value in given.items():
        assert read({name: value}) != read({})


def test_the_readme_counts_what_is_watched():
    assert f"| all four, {len(read({}).watch_list)} assets |" in README.read_text()


def test_the_readme_finds_the_function_key_that_opens_the_functions(tmp_path):
    (line,) = [line for block in blocks(README) for line in block.splitlines() if line.startswith("KEY=")]
    data_dir = tmp_path / ".data" / "simulated"
    data_dir.mkdir(parents=True)
    keys = load_keys(data_dir)
    script = f"{line}\nprintf %s $KEY"
    said = subprocess.run(
        [shutil.which("sh"), "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout == keys.function


def test_the_readme_lists_the_reasons_in_their_order():
    told = re.findall(
        r"\b[A-Z]+(?:_[A-Z]+)+\b|\bBLOCKED\b|\bVETOED\b", README.read_text().split("## How to read")[1]
    )
    reasons = [word for word in told if word in set(Reason)]
    assert reasons == list(Reason)
