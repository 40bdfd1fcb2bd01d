"""Where the checkers are: INFRA_TOOLS names the bin folders of their environments, PATH is the fallback."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("SHARED_DIR", ROOT.parent / "shared"))

HOMES = [str(ROOT / name / "bin") for name in (".venv-infra", ".venv-azure", ".venv-audit")]


@pytest.fixture(scope="session")
def run():
    """Runs a command and gives its result, the output read as text."""

    def runner(*command: object, cwd: Path = ROOT, env: dict[str, str] | None = None):
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    return runner


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def tool():
    """Finds a checker by name, or skips the test with the name."""

    def find(name: str) -> str:
        folder = os.environ.get("INFRA_TOOLS") or os.pathsep.join(HOMES)
        found = shutil.which(name, path=folder) or (name != "python" and shutil.which(name)) or None
        if found is None:
            pytest.skip(f"{name} is absent: CONTRIBUTING.md says where each checker comes from")
        return found

    return find


@pytest.fixture(scope="session")
def reference():
    """Finds a schema or checker of the reference folder, or skips the test with its name."""

    def find(path: str) -> Path:
        found = SHARED / path
        if not found.exists():
            pytest.skip(f"{path} is absent: SHARED_DIR names the folder it lies in")
        return found

    return find


@pytest.fixture
def a_copy(tmp_path):
    """A copy of a part of the repository in which a test may plant a mistake."""

    def copy(path: str) -> Path:
        source, target = ROOT / path, tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        return target

    return copy


@pytest.fixture(scope="session")
def plant():
    """Plants a mistake; the text to replace has to be there."""

    def planter(path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path.name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return planter
