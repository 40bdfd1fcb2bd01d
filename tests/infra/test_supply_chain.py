"""What the package is made of: pinned, hashed, and looked after."""

from __future__ import annotations

import re

import yaml


def pins(text):
    """Name and version of each pinned library; one with markers may stand twice."""
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)", text)
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found}


def test_the_lock_holds_every_pin_of_the_requirements(root):
    wanted = pins((root / "requirements.txt").read_text(encoding="utf-8"))
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    assert wanted <= pins(lock), f"the lock is old: {lock.splitlines()[1]}"


def test_every_library_of_the_lock_has_hashes(root):
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"(?m)^(?=[A-Za-z0-9._-]+==)", text)[1:]
    assert len(entries) > 50
    assert all("--hash=sha256:" in entry for entry in entries)


def test_a_pin_that_moved_without_the_lock_is_seen(root):
    wanted = pins((root / "requirements.txt").read_text(encoding="utf-8").replace("ccxt==", "ccxt==9."))
    assert not wanted <= pins((root / "requirements.lock").read_text(encoding="utf-8"))


def test_every_requirement_is_pinned(root):
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-infra.txt"):
        for line in (root / name).read_text(encoding="utf-8").splitlines():
            bare = line.split("#")[0].strip()
            assert not bare or bare.startswith("-r ") or "==" in bare, f"{name}: {line}"


def test_everything_that_can_grow_old_is_looked_after(root):
    updates = yaml.safe_load((root / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {(one["package-ecosystem"], one["directory"]) for one in updates} == {
        ("pip", "/"),
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


def test_the_pipeline_audits_what_is_deployed(root):
    text = (root / "azure-pipelines.yml").read_text(encoding="utf-8")
    assert re.search(r"pip-audit --requirement \S*requirements\.lock", text)
    assert "cyclonedx-py requirements" in text
    assert "pip-licenses" in text
