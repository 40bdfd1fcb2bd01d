"""What docs/deploy.md, docs/operations.md and docs/security.md tell to type is there."""

from __future__ import annotations

import os
import re

import pytest

from tests.docs.documents import blocks

DOCS = ("docs/deploy.md", "docs/operations.md", "docs/security.md")


@pytest.fixture(scope="session")
def deploy(root):
    return (root / "docs/deploy.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def security(root):
    return (root / "docs/security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def commands(root):
    """The blocks of commands."""
    return blocks(root / "docs/deploy.md")


def terraform(root, kind):
    text = "\n".join(path.read_text(encoding="utf-8") for path in (root / "infra/terraform").glob("*.tf"))
    return set(re.findall(rf'(?m)^{kind} "(\w+)"', text))


def test_every_block_of_commands_is_a_script_that_bash_can_read(commands, run, tmp_path):
    assert len(commands) > 12
    for number, block in enumerate(commands):
        file = tmp_path / f"{number}.sh"
        file.write_text(block)
        assert run("bash", "-n", file).stderr == "", block


def test_a_broken_command_would_be_seen(run, tmp_path):
    file = tmp_path / "broken.sh"
    file.write_text('az group create --name "x\n')
    assert run("bash", "-n", file).returncode != 0


def test_outputs_and_variables_of_terraform_exist(deploy, commands, root):
    text = "\n".join(commands)
    documents = "".join((root / name).read_text(encoding="utf-8") for name in DOCS)
    outputs = set(re.findall(r"\bout (\w+)\b", documents)) - {"is"}
    assert outputs <= terraform(root, "output")
    variables = set(re.findall(r"-var ['\"]?(\w+)=", text)) | set(re.findall(r"`(\w+) = ", deploy))
    assert variables
    assert variables <= terraform(root, "variable")
    made = "".join(path.read_text(encoding="utf-8") for path in (root / "infra/terraform").glob("*.tf"))
    for kind, name in re.findall(r"-target=(\w+)\.(\w+)", text):
        assert f'resource "{kind}" "{name}"' in made


def test_environment_files_name_variables_that_exist(root):
    for path in (root / "infra/terraform/env").glob("*.tfvars"):
        assert set(re.findall(r"(?m)^(\w+) +=", path.read_text(encoding="utf-8"))) <= terraform(
            root, "variable"
        )


def test_paths_in_documents_and_commands_exist(root):
    for name in DOCS:
        text = (root / name).read_text(encoding="utf-8")
        paths = set(re.findall(r"(?<![\w/.])((?:infra|docs|tests|shared)/[\w./-]*\w)", text))
        missing = [path for path in paths if not (root / path).exists()]
        assert missing == [], name


def test_scripts_are_called_with_as_many_arguments_as_they_take(commands, root):
    text = re.sub(r"\\\n\s*", "", "\n".join(commands))
    calls = re.findall(r"(infra/deploy/\w+\.sh)((?: +(?:\"[^\"]*\"|[^\s\"`|;]+))*)", text)
    assert len(calls) >= 5
    for script, given in calls:
        assert os.access(root / script, os.X_OK)
        usage = re.search(rf"{script} ([A-Z][A-Z_:.a-z ]*)(?:\[(.*)\])?", (root / script).read_text())
        least = len(usage[1].split())
        most = least + len((usage[2] or "").split())
        assert least <= len(re.findall(r'"(?:[^"]*)"|\S+', given)) <= most, script + given


def test_make_is_asked_for_what_it_makes(commands, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)^make ([\w./]+)", "\n".join(commands)):
        assert re.search(rf"(?m)^{target}:|\$\(VENV\)/bin/python:", makefile), target


def test_links_lead_somewhere(root):
    for name in DOCS:
        folder, text = (root / name).parent, (root / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            read = (folder / file).read_text(encoding="utf-8") if file else text
            heads = re.findall(r"(?m)^#+ (.*)$", read)
            anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            assert not anchor or anchor in anchors, target


def test_names_of_sections_that_files_point_at_exist(deploy, root):
    heads = set(re.findall(r"(?m)^#+ (.*)$", deploy))
    for folder in ("infra", "."):
        for path in (root / folder).rglob("*") if folder == "infra" else (root / folder).glob("*"):
            if path.suffix in {".tf", ".hcl", ".yml", ".yaml", ".sh", ".py"}:
                for head in re.findall(r"docs/deploy\.md, \"([^\"]+)\"", path.read_text(encoding="utf-8")):
                    assert " ".join(head.split()) in heads, f"{path.name}: {head}"


def test_the_roles_told_are_the_roles_given(security, root):
    given = set(
        re.findall(r'role = "([^"]+)" \}', (root / "infra/terraform/roles.tf").read_text(encoding="utf-8"))
    )
    assert given
    assert (
        set(re.findall(r"(?m)^\| ((?:Storage|Key Vault|Monitoring|Cognitive|Acr)[\w ]+) \|", security))
        == given
    )
