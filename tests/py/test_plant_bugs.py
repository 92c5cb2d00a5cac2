"""The tool that plants bugs: it finds the noticed and the unnoticed, and leaves the sources as they were."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "tools" / "plant_bugs.py").exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)


TEST = "test_engine.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plant_bugs", ROOT / "tools" / "plant_bugs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_bug_can_be_planted(tool: ModuleType) -> None:
    assert tool.unplantable(ROOT, tool.BUGS) == []
    assert len({bug.name for bug in tool.BUGS}) == len(tool.BUGS)


@pytest.fixture
def copy(tool: ModuleType, tmp_path: Path) -> object:
    """A dummy engine: one file, a build that compiles it, a test of one of its two functions."""
    (tmp_path / "engine.py").write_text("def twice(n):\n    return n + n\n\n\ndef thrice(n):\n    return 3 * n\n")
    (tmp_path / "test_engine.py").write_text("import engine\n\n\ndef test_twice():\n    assert engine.twice(3) == 6\n")
    return tool.Copy(tmp_path, ["-m", "py_compile", "engine.py"], ["-m", "pytest", "-q", "-p", "no:cacheprovider"])


def test_bugs_are_noticed_or_not_and_taken_out_again(
        tool: ModuleType, copy: object, capsys: pytest.CaptureFixture[str]) -> None:
    before = (copy.folder / "engine.py").read_text()
    bugs = [tool.Bug("seen", "engine.py", "n + n", "n", TEST), tool.Bug("unseen", "engine.py", "3 * n", "n", TEST),
            tool.Bug("broken", "engine.py", "n + n", "n +", TEST), tool.Bug("gone", "engine.py", "no such text", "", TEST),
            tool.Bug("twice there", "engine.py", "return", "yield", TEST)]
    assert tool.try_all(copy, bugs, verbose=False) == 2
    said = [line.split(" (")[0].split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert [s for s in said if "noticed" in s.lower() or "planted" in s][:5] == [
        "noticed    seen", "UNNOTICED  unseen", "cannot be planted  broken", "cannot be planted  gone",
        "cannot be planted  twice there"]
    assert tool.try_all(copy, bugs[:1], verbose=True) == 0
    assert tool.try_all(copy, bugs[:2], verbose=False) == 1
    assert (copy.folder / "engine.py").read_text() == before


def test_a_checkout_that_fails_without_bugs_is_told(tool: ModuleType, copy: object) -> None:
    (copy.folder / "engine.py").write_text("def twice(n):\n    return n\n")
    assert tool.try_all(copy, [tool.Bug("any", "engine.py", "n", "m", TEST)], verbose=False) == 2
