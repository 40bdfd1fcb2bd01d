"""Builds the package that the platform runs: python infra/package/build.py [--output dist/package.zip].

The platform mounts the package read-only, so everything is compiled beforehand, and what no scan imports is left
out. It serves the Python version that builds it, on Linux x86-64.
"""  # noqa: INP001 - run as a script

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARIES = Path(".python_packages/lib/site-packages")
MOUNTED_AT = "/home/site/wwwroot"
# infra/sql lets the deployed product say whether its database is up to date.
PRODUCT = ("function_app.py", "host.json", "shared", "infra/sql")
# Wheels of the oldest C library among the platform's images, and older ones.
GLIBC_MINORS = (28, 27, 26, 24, 17, 12, 5)
PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in GLIBC_MINORS),
    *(f"manylinux{year}_x86_64" for year in ("2014", "2010", "1")),
)

VENUES = ("binance", "bybit", "gate", "kraken")
# Of ccxt only what shared/adapters/venues/imports.py imports: four exchanges of more than a hundred.
CCXT_KEPT = (
    "__init__.py",
    "base",
    "static_dependencies/__init__.py",
    "async_support/__init__.py",
    "async_support/base",
    "abstract/__init__.py",
    *(f"{part}/{venue}.py" for part in ("abstract", "async_support") for venue in VENUES),
)
# Parts of other libraries that the product never imports; each is checked by importing everything it does.
DROPPED = (
    "bin",
    "coincurve",
    "uvloop",
    "pyarrow/include",
    "pyarrow/includes",
    "pyarrow/src",
    "pyarrow/libarrow_flight*",
    "pyarrow/_flight*",
    "pyarrow/libarrow_s3*",
    "pyarrow/_s3fs*",
    "pyarrow/_parquet_encryption*",
    "pyarrow/*.pxd",
    "pyarrow/*.pyx",
    "pyarrow/*.pxi",
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.*.*.*",
    "pyarrow/libarrow_python_*.so",
    "pyarrow/libarrow_python_*.so.*.*.*",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    "sqlalchemy/dialects/postgresql",
)
UNWANTED_FOLDERS = {"tests", "test", "testing", "__pycache__"}
UNWANTED_KINDS = {".pyi", ".pyx", ".pxd", ".c", ".h", ".hpp", ".cpp"}


def install(folder: Path) -> None:
    """The libraries of requirements.lock, as wheels for the platform, each held to its hash.

    Raises:
        subprocess.CalledProcessError: pip could not; it said why.
    """
    target = folder / LIBRARIES
    shutil.rmtree(target, ignore_errors=True)
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    subprocess.run(  # noqa: S603 - this interpreter's own pip
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
            ),
            *(
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--no-deps",
                "--implementation",
                "cp",
                *platforms,
            ),
            *("--target", str(target), "--requirement", str(ROOT / "requirements.lock")),
        ],
        check=True,
    )


def prune(libraries: Path) -> None:
    """Take out what the product never imports."""
    ccxt = libraries / "ccxt"
    kept = [ccxt / name for name in CCXT_KEPT]
    for path in sorted(ccxt.rglob("*"), reverse=True):
        if path.is_file() and not any(path == one or one in path.parents for one in kept):
            path.unlink()
    for pattern in DROPPED:
        for path in libraries.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(libraries.rglob("*"), reverse=True):
        if path.is_dir() and path.name in UNWANTED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in UNWANTED_KINDS:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def copy_product(folder: Path) -> None:
    """The product itself, without tests and tools."""
    for name in PRODUCT:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)


def compile_all(folder: Path, under: Path) -> None:
    """Bytecode that Python takes without looking at the source's time, which a zip rounds and a mount may change.

    Raises:
        SystemExit: a file of the product does not compile.
    """
    compiler = compileall.compile_dir if under.is_dir() else compileall.compile_file
    done = compiler(
        under,
        quiet=1,
        stripdir=str(folder),
        prependdir=MOUNTED_AT,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done and LIBRARIES.parts[0] not in under.parts:
        raise SystemExit(f"{under} does not compile: see above")


def archive(folder: Path, output: Path) -> None:
    """A zip whose bytes depend on its content only."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(str(path.relative_to(folder)))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
                package.writestr(entry, path.read_bytes())


def build(folder: Path, *, libraries: bool, product: bool) -> None:
    """Fill the folder with libraries, product or both."""
    folder = folder.resolve()
    if libraries:
        install(folder)
        prune(folder / LIBRARIES)
        compile_all(folder, folder / LIBRARIES)
    if product:
        copy_product(folder)
        compile_all(folder, folder / "shared")
        compile_all(folder, folder / "function_app.py")


def main(arguments: list[str] | None = None) -> int:
    """Build the folder or the zip and say what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist/package.zip", help="the zip to write")
    parser.add_argument("--folder", type=Path, help="fill this folder and write no zip")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--libraries-only", action="store_true", help="leave the product out")
    only.add_argument("--product-only", action="store_true", help="leave the libraries as they are")
    options = parser.parse_args(arguments)
    parts = {"libraries": not options.product_only, "product": not options.libraries_only}
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if options.folder:
        build(options.folder, **parts)
        sys.stdout.write(f"{options.folder} for {version}\n")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch), **parts)
        archive(Path(scratch), options.output)
    sys.stdout.write(f"{options.output} for {version}: {options.output.stat().st_size / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
