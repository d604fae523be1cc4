"""From a fresh checkout to the open window, or to passed tests, in one command.

    python3 scripts/start.py demo      opens the program on the sample data
    python3 scripts/start.py test      runs all checks and the tests, but the long ones
    python3 scripts/start.py test-long runs the long tests: many kills, mutations, big data, wheels
    python3 scripts/start.py test-sam  runs the tests of SAM and of training, with torch (7 GB)

Makes a virtual environment in .venv (with torch in .venv-sam, for all else must run without it),
installs the project and what it needs into it, and starts. What follows the first word goes on:
``demo --screenshot window.png``, ``test -k sliders``. Needs nothing but Python 3.11 or newer. On
Debian and Ubuntu it also installs the system's OpenGL, X libraries and Xvfb where it may (as root),
else it says which are missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {"demo": "qt", "test": "dev", "test-long": "dev", "test-sam": "dev-sam"}
SIDE_BY_SIDE = ["-n", str(min((os.cpu_count() or 1) + 1, 8)), "--dist", "worksteal"]
"""Tests in a process for each core and one more, for windows wait now and then. Each process has an
Xvfb of its own for its windows."""
WITH_TORCH = [
    "tests/proposals", "tests/training", "tests/cli/test_grammar.py", "tests/cli/test_masks.py",
    "tests/cli/test_train.py", "tests/gui/test_sam_window.py", "tests/files/test_torch_written.py",
]  # fmt: skip
ROOM_FOR_TORCH = 20 * 2**30  # bytes: what is fetched, unpacked and installed
NO_TORCH = 69
"""The exit code where torch cannot be installed; none of pytest's, which end at 5."""


def main() -> int:
    """Set up what is missing and run what was asked for; return its exit code."""
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    if len(sys.argv) < 2 or sys.argv[1] not in EXTRAS:
        print(__doc__)
        return 2
    asked, rest = sys.argv[1], sys.argv[2:]
    install_system_packages()
    if asked == "test-sam":
        return test_sam(rest)
    place = ROOT / ".venv"
    install_project(place, EXTRAS[asked])
    if asked == "demo":
        return subprocess.call([programs(place) / "napari-sepl", "demo", *rest])
    if asked == "test-long":
        return run_pytest(place, ["-m", "long", *(rest or SIDE_BY_SIDE)])
    return run_checks(programs(place)) or run_pytest(place, rest or SIDE_BY_SIDE)


def test_sam(pytest_arguments: list[str]) -> int:
    """Run the tests that need torch, in an environment of its own, if it can be installed."""
    place = ROOT / ".venv-sam"
    is_new = not place.exists()
    free = shutil.disk_usage(ROOT).free
    if is_new and free < ROOM_FOR_TORCH:
        room = ROOM_FOR_TORCH >> 30
        print(f"torch is not installed: {free >> 30} GiB are free here, {room} wanted.")
        return NO_TORCH
    try:
        install_project(place, EXTRAS["test-sam"])
    except subprocess.CalledProcessError as error:
        print(f"torch could not be installed: pip ended with exit code {error.returncode}.")
        if is_new:  # half of torch would take the room that all else needs
            shutil.rmtree(place, ignore_errors=True)
        return NO_TORCH
    return run_pytest(place, pytest_arguments or [*SIDE_BY_SIDE, *WITH_TORCH])


def programs(place: Path) -> Path:
    """Return where the programs of a virtual environment are."""
    return place / ("Scripts" if os.name == "nt" else "bin")


def install_system_packages() -> None:
    """Install, or name, the Debian packages that a window needs and that are missing."""
    if sys.platform.startswith("linux") and shutil.which("dpkg-query"):
        import fcntl  # noqa: PLC0415  # Windows has none

        with (ROOT / ".apt.lock").open("w") as lock:  # apt refuses to run twice at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            install_missing_packages()


def install_missing_packages() -> None:
    """Install the packages of apt.txt that are missing as root; otherwise name them."""
    wanted = (ROOT / "scripts" / "apt.txt").read_text().split()
    missing = [name for name in wanted if not is_installed(name)]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        print(f"These system packages are missing: sudo {' '.join(install)}", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run(install, check=True, env=environment)


def is_installed(package: str) -> bool:
    """Tell whether dpkg knows a package as installed."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout == "installed"


def install_project(place: Path, extra: str) -> None:
    """Make an environment and install the project there, unless that was done with these needs."""
    stamp = place / f"installed-{extra}"
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    if not programs(place).exists():
        venv.create(place, with_pip=True)
    print(f"installing napari-sepl[{extra}] into {place} …", flush=True)
    # What is imported is compiled then; to compile all of torch takes half a minute.
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    target = ["--editable", f"{ROOT}[{extra}]"]
    subprocess.run([programs(place) / "python", *pip, *target], check=True, cwd=ROOT)
    stamp.write_text(digest)


def run_checks(there: Path) -> int:
    """Run linters, type checker, import contracts and manifest check."""
    checks = [
        ["ruff", "format", "--check", "."],
        ["ruff", "check", "."],
        ["mypy"],
        ["lint-imports"],
        ["npe2", "validate", "napari_sepl"],
    ]
    for program, *arguments in checks:
        print(f"--- {program} {' '.join(arguments)}", flush=True)
        code = subprocess.call([there / program, *arguments], cwd=ROOT)
        if code:
            return code
    return 0


def run_pytest(place: Path, arguments: list[str]) -> int:
    """Run tests in a virtual environment; return pytest's exit code."""
    return subprocess.call([programs(place) / "python", "-m", "pytest", *arguments], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
