"""What the package is from outside: a command, a module to run, types, a wheel."""

import ast
import re
import subprocess
import sys
import venv
from graphlib import TopologicalSorter
from pathlib import Path
from zipfile import ZipFile

import pytest

import napari_sepl
from napari_sepl import __version__
from tests.messages import says

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "napari_sepl"


def test_the_package_is_run_as_the_command_is() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "napari_sepl", "--version"], capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (f"{__version__}\n".encode(), b"")


def test_the_map_of_the_code_names_files_that_are_there() -> None:
    named = re.findall(r"`([\w./]+/[\w./]*)`", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    assert len(named) > 80
    gone = [one for one in named if not any((top / one).exists() for top in (ROOT, PACKAGE))]
    assert gone == []


def test_type_checkers_are_told_that_there_are_types() -> None:
    assert (Path(napari_sepl.__file__).parent / "py.typed").is_file()


@pytest.mark.long
def test_a_wheel_holds_all_that_runs(tmp_path: Path) -> None:
    """Built and unpacked in environments of their own; what it needs is borrowed from here."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT], check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("napari_sepl-*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"napari_sepl/py.typed", "napari_sepl/__main__.py", "napari_sepl/napari.yaml"} <= names
    assert "napari_sepl/sample_data/masks/coffee.json" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "studies"))]
    place = tmp_path / "fresh"
    venv.create(place, with_pip=False, symlinks=True, system_site_packages=False)
    (python,) = [*place.glob("bin/python"), *place.glob("Scripts/python.exe")]
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.strip()
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", target, wheel], check=True)
    here = Path(pytest.__file__).parents[1]
    (Path(target) / "borrowed.pth").write_text(f"{here}\n")
    code = "import napari_sepl; print(napari_sepl.__file__)"
    found = subprocess.run([python, "-I", "-c", code], capture_output=True, check=True, text=True)
    assert says(found.stdout, target)
    told = subprocess.run(
        [python, "-I", "-m", "napari_sepl", "--help"], capture_output=True, check=True, text=True
    )
    assert says(told.stdout, "enhance")


def test_no_module_imports_one_that_imports_it() -> None:
    """Directly or by a chain, in functions and for type checking alone too."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "napari_sepl").rglob("*.py")
    }
    imported: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported[name] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = str(node.module)
                inner = {f"{module}.{alias.name}" for alias in node.names}
                imported[name] |= {one if one in modules else module for one in inner}
    assert "napari_sepl.gui.context" in imported["napari_sepl.gui.pointing"]
    TopologicalSorter(imported).prepare()  # raises CycleError with the circle
