"""The deployment package: what is in it, that it does not recompile, and that nothing it needs is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

UNCHECKED_HASH = 1
EVERYTHING = """
import importlib, pkgutil, sys
import function_app, shared
names = [found.name for found in pkgutil.walk_packages(shared.__path__, "shared.") if "__main__" not in found.name]
lazy = ["openai", "azure.monitor.opentelemetry", "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.exporter.otlp.proto.http.metric_exporter", "azure.identity", "azure.keyvault.secrets",
        "azure.storage.blob", "azure.data.tables", "sqlalchemy.dialects.mssql.pyodbc",
        "pyarrow.parquet", "prometheus_client"]
for name in names + lazy:
    importlib.import_module(name)
import io, pyarrow as pa, pyarrow.parquet as pq
sink = io.BytesIO()
pq.write_table(pa.table({"price": pa.array(["1.5"]).cast(pa.decimal128(38, 18))}), sink, compression="zstd")
assert pq.ParquetFile(io.BytesIO(sink.getvalue())).read().num_rows == 1
print(*[getattr(module, "__file__", None) or "" for module in list(sys.modules.values())], sep="\\n")
"""


@pytest.fixture(scope="session")
def builder(root):
    spec = importlib.util.spec_from_file_location("package_build", root / "infra/package/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def libraries(builder, tmp_path):
    """A folder of libraries with ccxt as it is installed here."""
    folder = tmp_path / builder.LIBRARIES
    installed = Path(importlib.util.find_spec("ccxt").origin).parent
    shutil.copytree(installed, folder / "ccxt", ignore=shutil.ignore_patterns("__pycache__", "pro", "test"))
    return folder


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """The package that PACKAGE names, unpacked."""
    package = os.environ.get("PACKAGE")
    if not package:
        pytest.skip("no package: make package builds it, PACKAGE=dist/package.zip names it")
    folder = tmp_path_factory.mktemp("package")
    with zipfile.ZipFile(package) as opened:
        opened.extractall(folder)
    return folder


def start(folder, libraries, code):
    """Run code with the package alone, without this environment's libraries and without writing bytecode."""
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    env = {**keep, "PYTHONPATH": f"{folder}:{libraries}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, "-S", "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_ccxt_shrinks_to_the_four_venues(builder, libraries):
    before = sum(path.stat().st_size for path in libraries.rglob("*") if path.is_file())
    builder.prune(libraries)
    after = sum(path.stat().st_size for path in libraries.rglob("*") if path.is_file())
    assert {path.stem for path in (libraries / "ccxt/async_support").glob("*.py")} == {
        "__init__",
        *builder.VENUES,
    }
    assert after < before / 8


def test_the_files_that_are_kept_are_all_that_the_four_venues_import(builder, libraries, root):
    builder.prune(libraries)
    code = f"""
import importlib.util, sys
ccxt = {str(libraries / "ccxt")!r}
spec = importlib.util.spec_from_file_location("venues", {str(root / "shared/adapters/venues/imports.py")!r})
sys.path.insert(0, {str(libraries)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for name, exchange in module.EXCHANGES.items():
    assert sys.modules[exchange.__module__].__file__.startswith(ccxt), name
print(len(module.EXCHANGES))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "4\n", done.stderr


def test_the_product_is_compiled_so_that_no_time_stamp_matters(builder, tmp_path):
    builder.build(tmp_path, libraries=False, product=True)
    sources = list(tmp_path.rglob("*.py"))
    compiled = [Path(importlib.util.cache_from_source(str(path))) for path in sources]
    assert sources
    for path in compiled:
        assert int.from_bytes(path.read_bytes()[4:8], "little") == UNCHECKED_HASH, path.name


def test_tracebacks_name_the_place_where_the_platform_mounts_the_package(builder, tmp_path):
    builder.build(tmp_path, libraries=False, product=True)
    code = Path(importlib.util.cache_from_source(str(tmp_path / "function_app.py"))).read_bytes()
    assert f"{builder.MOUNTED_AT}/function_app.py".encode() in code
    assert str(tmp_path).encode() not in code


def test_the_product_comes_without_tests_and_tools(builder, tmp_path):
    builder.build(tmp_path, libraries=False, product=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        "function_app.py",
        "host.json",
        "shared",
        "infra",
        "__pycache__",
    }
    assert {path.name for path in (tmp_path / "infra").iterdir()} == {"sql"}


def test_the_same_content_gives_the_same_zip(builder, tmp_path):
    folder = tmp_path / "content"
    builder.build(folder, libraries=False, product=True)
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    builder.archive(folder, first)
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    builder.archive(folder, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_product_that_does_not_compile_is_not_packed(builder, tmp_path):
    broken = tmp_path / "shared"
    broken.mkdir()
    (broken / "x.py").write_text("def\n")
    with pytest.raises(SystemExit, match="does not compile"):
        builder.compile_all(tmp_path, broken)


def test_the_package_imports_everything_that_the_product_does(unpacked, builder):
    done = start(unpacked, unpacked / builder.LIBRARIES, EVERYTHING)
    assert done.returncode == 0, done.stderr
    outside = [
        line for line in done.stdout.splitlines() if "site-packages" in line and str(unpacked) not in line
    ]
    assert outside == []


def test_every_library_of_the_package_is_compiled_so_that_no_time_stamp_matters(unpacked, builder):
    compiled = list((unpacked / builder.LIBRARIES).rglob("*.pyc"))
    assert len(compiled) > 1000
    assert all(int.from_bytes(path.read_bytes()[4:8], "little") == UNCHECKED_HASH for path in compiled)


def test_the_package_holds_no_tests(unpacked):
    assert not [path for path in unpacked.rglob("*") if path.is_dir() and path.name in {"tests", "test"}]
