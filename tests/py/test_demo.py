"""What a newcomer sees first: `pressmark demo` ends with the hits of a phrase and of a distance."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pressmark")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def output():
    script = Path(sys.executable).with_name("pressmark")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "pressmark"]
    done = subprocess.run([*command, "demo"], capture_output=True, text=True, encoding="utf-8", timeout=60,
                          env={**os.environ, "COLUMNS": "120", "PYTHONUTF8": "1"})
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def test_demo_shows_every_hit_of_the_phrase(output):
    section = output.split('"throat of world trade"\n', 1)[1].split("seized W/5s ship\n")[0]
    assert section.startswith("10 hits in 8 articles\n")
    assert len(re.findall(r"^.*\bthe +throat of world trade\b.*$", section, re.M)) == 10


def test_demo_ends_with_the_hits_of_the_distance(output):
    section = output.split("seized W/5s ship\n", 1)[1]
    assert section.startswith("10 hits in 7 articles\n")
    for found in ("seizes container ship", "seized a container ship", "ship that it had seized", "ship had been “detained,” not “seized  "):
        assert found in section


def test_readme_shows_what_the_demo_prints(output):
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("no source tree around the tests")
    shown = re.search(r"^```text\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S)[1]
    assert shown.strip() in output
