"""What the package is made of: pinned, hashed, audited, licensed, listed, and looked after."""

from __future__ import annotations

import json
import os
import re
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STEP = "Audit, bill of materials, licences"
LIBRARIES = ".python_packages/lib/site-packages"


def requirements(text):
    """Each pinned requirement of a file, without its hashes."""
    return [Requirement(line) for line in re.findall(r"(?m)^([A-Za-z0-9][^\\#\n]*)", text)]


def pins(found):
    """Name and version of each requirement; one with markers may stand twice."""
    return {(canonicalize_name(one.name), str(one.specifier).removeprefix("==")) for one in found}


@pytest.fixture(scope="session")
def lock(root):
    return (root / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def installed(lock):
    """The pins of the lock that this Python installs on this platform."""
    return pins(one for one in requirements(lock) if one.marker is None or one.marker.evaluate())


def test_the_lock_holds_every_pin_of_the_requirements(root, lock):
    wanted = pins(requirements((root / "requirements.txt").read_text(encoding="utf-8")))
    assert wanted <= pins(requirements(lock)), f"the lock is old: {lock.splitlines()[1]}"


def test_a_pin_that_moved_without_the_lock_is_seen(root, lock):
    moved = (root / "requirements.txt").read_text(encoding="utf-8").replace("ccxt==", "ccxt==9.")
    assert not pins(requirements(moved)) <= pins(requirements(lock))


def test_every_library_of_the_lock_has_hashes(lock):
    entries = re.split(r"(?m)^(?=[A-Za-z0-9._-]+==)", lock)[1:]
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)


def test_every_requirement_is_pinned(root):
    files = [*root.glob("requirements*.txt"), *root.glob("tests/tools/requirements*.txt")]
    assert len(files) >= 5
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            bare = line.split("#")[0].strip()
            assert not bare or bare.startswith("-r ") or "==" in bare, f"{file.name}: {line}"


def test_everything_that_can_grow_old_is_looked_after(root):
    updates = yaml.safe_load((root / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {(one["package-ecosystem"], one["directory"]) for one in updates} == {
        ("pip", "/"),
        ("pip", "/tests/tools"),
        ("npm", "/tests/tools"),
        ("terraform", "/infra/terraform"),
        ("docker", "/"),
        ("docker-compose", "/"),
    }
    for one in updates:
        assert (root / one["directory"].strip("/")).is_dir()


def test_images_are_pinned_to_a_version(root):
    compose = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    assert images
    assert all(re.search(r":v?\d", image) for image in images)


class Osv:
    """A database of vulnerabilities on loopback that answers as OSV does, and notes what it is asked."""

    def __init__(self):
        self.asked = set()
        self.known = {}
        self.status = 200
        osv = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = query["package"]["name"]
                osv.asked.add((name, query["version"]))
                found = {"vulns": [osv.known[name]]} if name in osv.known else {}
                self.send_response(osv.status)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"

    def learn(self, name, fixed):
        """A vulnerability of every version below the one that fixes it."""
        affected = {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }
        self.known[name] = {"id": "PYSEC-0000-1", "summary": "it opens the door", "affected": [affected]}


@pytest.fixture(scope="module")
def served():
    osv = Osv()
    Thread(target=osv.server.serve_forever, daemon=True).start()
    yield osv
    osv.server.shutdown()
    osv.server.server_close()


@pytest.fixture
def osv(served):
    """The database, knowing nothing."""
    served.asked.clear()
    served.known.clear()
    served.status = 200
    return served


@pytest.fixture(scope="session")
def step(root):
    """The commands of the pipeline's step."""
    pipeline = yaml.safe_load((root / "azure-pipelines.yml").read_text(encoding="utf-8"))
    jobs = [job for stage in pipeline["stages"] for job in stage.get("jobs", [])]
    steps = [step for job in jobs for step in job["steps"] if step.get("displayName") == STEP]
    assert len(steps) == 1
    return steps[0]["bash"]


@pytest.fixture(scope="session")
def audit(tool, run, step, root):
    """Runs what the pipeline's step runs once its tools are installed, where another lock and address may stand."""
    tools = Path(tool("pip-audit")).parent

    def auditor(staging, url, lock="requirements.lock"):
        commands = step.split("requirements-audit.txt\n")[1].replace("requirements.lock", str(lock))
        script = f"set -euo pipefail\n{commands}".replace("$(Build.ArtifactStagingDirectory)", str(staging))
        env = {"AUDIT_TOOLS": str(tools), "PIP_AUDIT_OSV_URL": url, "PIP_NO_CACHE_DIR": "1"}
        return run("bash", "-c", script, cwd=root, env=env)

    return auditor


@pytest.fixture
def small(tmp_path):
    """Makes a lock of one hashed library, and the package that holds it with these lines of metadata."""

    def maker(*metadata, hashed=True):
        lock = tmp_path / "small.lock"
        lock.write_text("planted==1.0" + (f" --hash=sha256:{'0' * 64}" if hashed else "") + "\n")
        package = tmp_path / "package/package.zip"
        package.parent.mkdir()
        lines = ("Metadata-Version: 2.4", "Name: planted", "Version: 1.0", *metadata)
        with zipfile.ZipFile(package, "w") as opened:
            opened.writestr(f"{LIBRARIES}/planted-1.0.dist-info/METADATA", "\n".join(lines) + "\n")
        return lock

    return maker


@pytest.fixture(scope="module")
def audited(served, audit, tmp_path_factory):
    """What the audit of the package that PACKAGE names said, asked and wrote."""
    package = os.environ.get("PACKAGE")
    if not package:
        pytest.skip("no package: make package builds it, PACKAGE=dist/package.zip names it")
    staging = tmp_path_factory.mktemp("staging")
    (staging / "package").mkdir()
    (staging / "package/package.zip").symlink_to(Path(package).resolve())
    result = audit(staging, served.url)
    return result, set(served.asked), staging / "package"


def test_the_package_passes_its_audit(audited):
    result, _, _ = audited
    assert result.returncode == 0, result.stderr
    assert "No known vulnerabilities found" in result.stderr


def test_every_library_of_the_lock_is_looked_up(audited, installed):
    _, asked, _ = audited
    assert asked == installed


def test_every_library_of_the_lock_stands_in_the_bill_of_materials(audited, installed):
    _, _, written = audited
    bill = json.loads((written / "sbom.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "crypto-arbitrage-bot"
    assert {(canonicalize_name(one["name"]), one["version"]) for one in bill["components"]} == installed
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert any(
        need.startswith("aiohttp==") for ref in needs if ref.startswith("ccxt==") for need in needs[ref]
    )


def test_every_library_of_the_lock_stands_in_the_report_of_licences(audited, installed):
    _, _, written = audited
    report = (written / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\S+) +\| (\d\S*) +\| (.*?) *\|", report)
    listed = {(canonicalize_name(name), version): licence for name, version, licence in rows}
    assert listed.keys() == installed
    assert "UNKNOWN" not in listed.values()


def test_the_driver_manager_that_is_copyleft_is_left_to_the_platform(audited):
    _, _, written = audited
    with zipfile.ZipFile(written / "package.zip") as package:
        files = [name.rpartition("/")[2] for name in package.namelist()]
    assert any(name.startswith("pyodbc.") for name in files)
    assert not [name for name in files if name.startswith(("libodbc", "libltdl"))]


def test_a_known_vulnerability_stops_the_package(audit, osv, small, installed, root, tmp_path):
    small("License-Expression: MIT")
    osv.learn("aiohttp", fixed="99.1")
    result = audit(tmp_path, osv.url)
    assert result.returncode == 1
    assert re.search(rf"aiohttp +{dict(installed)['aiohttp']} +PYSEC-0000-1 +99\.1", result.stdout), (
        result.stdout
    )
    assert osv.asked == installed


@pytest.mark.parametrize("status", [404, 500])
def test_a_database_that_does_not_answer_is_no_clean_audit(audit, osv, small, tmp_path, status):
    osv.status = status
    assert audit(tmp_path, osv.url, small("License-Expression: MIT")).returncode == 1


def test_a_lock_without_a_hash_is_refused(audit, osv, small, tmp_path):
    result = audit(tmp_path, osv.url, small("License-Expression: MIT", hashed=False))
    assert result.returncode == 1
    assert "planted" in result.stderr
    assert "hash" in result.stderr


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        (["License-Expression: GPL-3.0-only"], "GPL-3.0-only"),
        (["License-Expression: MIT AND LGPL-2.1-or-later"], "MIT AND LGPL-2.1-or-later"),
        (
            [
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            ],
            "UNKNOWN",
        ),
    ],
)
def test_a_licence_that_nobody_allowed_stops_the_package(audit, osv, small, tmp_path, metadata, named):
    result = audit(tmp_path, osv.url, small(*metadata))
    assert result.returncode == 1
    assert f"license {named} not in allow-only licenses was found for package planted:1.0" in result.stderr


def test_a_package_that_lacks_what_its_libraries_need_is_refused(audit, osv, small, tmp_path):
    result = audit(tmp_path, osv.url, small("License-Expression: MIT", "Requires-Dist: nowhere>=2"))
    assert result.returncode == 1
    assert "planted 1.0 requires nowhere, which is not installed" in result.stdout


def test_what_was_read_by_hand_is_what_the_lock_holds(root, installed):
    text = (root / "infra/package/licences.txt").read_text(encoding="utf-8")
    by_hand = re.findall(r"(?m)^([^ #\n]+):([^ #\n]+) +# \S", text)
    assert len(by_hand) == len(re.findall(r"(?m)^[^#\n]*:", text)), "each says what was read"
    assert set(by_hand) <= installed


def test_an_audit_that_misses_a_part_says_which(run, root, tmp_path):
    script = root / "infra/package/audit.sh"
    assert "audit.sh LOCK PACKAGE OUTPUT_FOLDER" in run("bash", script, "requirements.lock").stderr
    result = run("bash", script, root / "requirements.lock", "nowhere.zip", tmp_path)
    assert result.returncode == 2
    assert "nowhere.zip is no file" in result.stderr


def test_the_tools_are_pinned_in_one_place(root, step):
    assert "pip install --quiet -r requirements-audit.txt" in step
    pinned = (root / "requirements-audit.txt").read_text(encoding="utf-8")
    used = re.findall(r"\$tools/(pip-\w+|cyclonedx-py)", (root / "infra/package/audit.sh").read_text())
    assert {name.replace("cyclonedx-py", "cyclonedx-bom") for name in used} == {
        name for name, _ in pins(requirements(pinned))
    }
    assert "==" not in step
