"""The package beside the naive one: size, and the cold start of both on a read-only mount.

    python benchmarks/package.py [--runs 7]

The naive package is `pip install --target` and a zip. Both are unpacked with the times that the zip kept, as a mount
shows them, and nothing may be written there: bytecode that looks stale is compiled again at every start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = ".python_packages/lib/site-packages"
START = (
    "import time; wall, cpu = time.perf_counter(), time.process_time(); import function_app; "
    "print(time.perf_counter() - wall, time.process_time() - cpu)"
)


def naive(folder: Path) -> None:
    """What a first attempt would deploy."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run(  # noqa: S603 - this interpreter's own pip
        [*pip, "--target", str(folder / LIBRARIES), "-r", str(ROOT / "requirements.txt")], check=True
    )
    for name in ("function_app.py", "host.json"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / "shared", folder / "shared", ignore=shutil.ignore_patterns("__pycache__"))


def unpack(package: Path, folder: Path) -> None:
    """Unpack a zip and give each file the time that the zip kept, which is even seconds."""
    with zipfile.ZipFile(package) as opened:
        for entry in opened.infolist():
            path = opened.extract(entry, folder)
            at = time.mktime((*entry.date_time, 0, 0, -1))
            os.utime(path, (at, at))


def start(folder: Path) -> tuple[float, float]:
    """Seconds of wall clock and of CPU that one cold start takes."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/tmp"),  # noqa: S108 - where a process without a home may look
        "PYTHONPATH": f"{folder}:{folder / LIBRARIES}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCAN_SCHEDULE": "0 * * * * *",
    }
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    done = subprocess.run(  # noqa: S603 - this interpreter again
        [python, "-S", "-c", START], env=env, cwd=folder, check=True, capture_output=True, text=True
    )
    wall, cpu = done.stdout.split()[-2:]
    return float(wall), float(cpu)


def main() -> None:
    """Build both, measure both by turns, print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="cold starts of each")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        zips = {"naive": Path(scratch, "naive.zip"), "built": Path(scratch, "built.zip")}
        source = Path(scratch, "source")
        source.mkdir()
        naive(source)
        shutil.make_archive(str(zips["naive"].with_suffix("")), "zip", source)
        shutil.rmtree(source)
        builder = (sys.executable, str(ROOT / "infra/package/build.py"))
        subprocess.run([*builder, "--output", str(zips["built"])], check=True)  # noqa: S603 - the build itself
        folders = {name: Path(scratch, name) for name in zips}
        sizes = {}
        for name, package in zips.items():
            unpack(package, folders[name])
            unpacked = sum(path.stat().st_size for path in folders[name].rglob("*") if path.is_file())
            sizes[name] = (package.stat().st_size, unpacked)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in zips}
        for _ in range(runs + 1):
            for name, folder in folders.items():
                times[name].append(start(folder))
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, median of {runs} cold starts each, by turns"
    )
    print(f"{'':8}{'zip MB':>10}{'unpacked MB':>14}{'wall s':>10}{'CPU s':>10}")
    rows = {}
    for name in zips:
        wall, cpu = (statistics.median(values) for values in zip(*times[name][1:], strict=True))
        rows[name] = (sizes[name][0] / 1e6, sizes[name][1] / 1e6, wall, cpu)
        print("{:8}{:>10.1f}{:>14.1f}{:>10.2f}{:>10.2f}".format(name, *rows[name]))
    ratios = (built / plain for built, plain in zip(rows["built"], rows["naive"], strict=True))
    print("{:8}{:>10.2f}{:>14.2f}{:>10.2f}{:>10.2f}".format("ratio", *ratios))


if __name__ == "__main__":
    main()
