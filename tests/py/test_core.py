"""The C tests of the core, each program of tests/c a test here. CI runs them again under the sanitizers."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c"))
BUILD = "build/pytest-core"

pytestmark = [pytest.mark.skipif(not (ROOT / "csrc").exists(), reason="no source tree around the tests"),
              pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")]


@pytest.fixture(scope="module")
def built():
    done = subprocess.run(["make", "--silent", "-j2", "-f", "tools/core.mk", f"BUILD={BUILD}", "tests"], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("program", PROGRAMS)
def test_core_program_passes(program, built):
    done = subprocess.run([ROOT / BUILD / "tests" / program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=180)
    assert done.returncode == 0, done.stdout[-4000:]
