"""The Makefile on machines whose Python will not do: one clear line, and nothing half built."""

import os
import shutil
import subprocess

import pytest

from tests.commands.conftest import ROOT

OLD = """#!/bin/sh
case "$*" in *version_info*) exit 1;; esac
echo "Python 3.9.2"
"""
NO_VENV = """#!/bin/sh
case "$*" in
  *version_info*) exit 0;;
  *ensurepip*) echo "ModuleNotFoundError: No module named 'ensurepip'" >&2; exit 1;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is absent")


@pytest.fixture
def make(tmp_path):
    """Run make in a copy of the Makefile, with scripts in place of the machine's Pythons."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    scripts = tmp_path / "bin"
    scripts.mkdir()

    def command(*arguments, **pythons):
        for name, script in pythons.items():
            (scripts / name).write_text(script)
            (scripts / name).chmod(0o755)
        return subprocess.run(
            [shutil.which("make"), "--no-print-directory", *arguments],
            cwd=tmp_path,
            env={"PATH": f"{scripts}:{os.defpath}"},
            capture_output=True,
            text=True,
            check=False,
        )

    return command


def assert_refused(ended, line, folder):
    assert ended.returncode == 2
    assert ended.stdout == line + "\n"
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("target", ["run", "test", "check"])
def test_a_python_that_is_too_old_is_one_clear_line(make, target, tmp_path):
    told = (
        "python3 is older than 3.11: install Python 3.11 or newer, or name one, as in make PYTHON=python3.12 "
    )
    assert_refused(make(target, python3=OLD), told + target, tmp_path)


def test_a_python_without_venv_is_one_clear_line(make, tmp_path):
    told = (
        "python3 has no venv module: install it (on Debian and Ubuntu the package python3-venv), "
        "or name another Python with make PYTHON=..."
    )
    assert_refused(make("run", python3=NO_VENV), told, tmp_path)


def test_a_python_that_is_not_there_is_one_clear_line(make, tmp_path):
    told = (
        "there is no python3.99: install Python 3.11 or newer, or name one, as in make PYTHON=python3.12 run"
    )
    assert_refused(make("run", "PYTHON=python3.99"), told, tmp_path)


def test_help_names_every_target_a_user_runs(make):
    told = make("help").stdout
    for target in ("run", "test", "check", "package", "clean"):
        assert f"make {target} " in told
