"""What the checkout must look like: layers, lengths, and no trace of the machine it was written on."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "setup.py").exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)

UNTRACKED = {".git", "build", "dist", ".pytest_cache", ".hypothesis", ".mypy_cache", "__pycache__", ".ipynb_checkpoints"}
# Hosts of package registries, in pieces so that this file does not hold one.
REGISTRIES = ["pypi\\." + "org", "python" + "hosted", "crates\\." + "io", "npm" + "js\\.", "proxy\\.golang\\." + "org",
              "deb\\.debian\\." + "org", "repo1?\\.maven", "anaconda\\." + "org", "index" + "-url"]
MACHINE_PATHS = r"(?<![\w.~-])/(?:work|root|home/\w|Users/\w|tmp/\w+/venv)(?:/|\b)"


def tracked_files():
    """Git's list; without git, all files of the checkout that it would not ignore."""
    if shutil.which("git") and (ROOT / ".git").exists():
        done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and p.suffix != ".so"
            and not any(x in UNTRACKED or x.startswith(".venv") or x.endswith(".egg-info") for x in p.relative_to(ROOT).parts)]


def texts():
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an index kept as a golden file


def places(pattern):
    """file:line: text of each match in a tracked file."""
    rx = re.compile(pattern)
    return [f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}" for path, text in texts() for m in rx.finditer(text)]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_layers_include_only_those_before_them():
    assert tool("check_layers").breaks(ROOT) == []


def test_layer_check_sees_a_break(tmp_path):
    for name, text in {"csrc/base/a.h": '#include "codec/b.h"\n', "csrc/codec/b.h": '#include "base/a.h"\n#include "text/c.h"\n',
                       "csrc/text/c.h": "", "csrc/pressmark.h": "", "csrc/query/d.c": '# include "pressmark.h"\n#include "none.h"\n',
                       "python/pressmark/m.c": '#include "base/a.h"\n#include "pressmark.h"\n#include "m.h"\n',
                       "python/pressmark/m.h": "#include <string.h>\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert [line.split(": ")[0] for line in tool("check_layers").breaks(tmp_path)] == [
        "csrc/base/a.h:1", "csrc/codec/b.h:2", "csrc/query/d.c:1", "csrc/query/d.c:2", "python/pressmark/m.c:1"]


def test_functions_and_files_are_short():
    faults, _ = tool("check_lengths").measure(ROOT)
    assert faults == []


def test_length_check_counts_from_declaration_to_last_brace():
    code = """/* f(void) { */
#define M(x) \\
    { x }
static int
first(int a)
{
    char c = '{'; /* } */
    if (a) { return c; }
    return 0;
}
struct s { int (*call)(void); } table[] = { { 0 } };
#ifdef A
void second(void) {
#else
void second(int x) {
#endif
}
"""
    assert list(tool("check_lengths").c_functions(code)) == [("first", 4, 7), ("second", 13, 5)]


@pytest.mark.parametrize("pattern", REGISTRIES)
def test_no_tracked_file_names_a_package_registry(pattern):
    assert places(pattern) == []


def test_no_tracked_file_names_a_path_of_the_writer_s_machine():
    assert places(MACHINE_PATHS) == []


def test_pins_are_exact_and_agree():
    pins = {}
    for name in ("tests/requirements.txt", "benchmarks/requirements.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            package, version = re.fullmatch(r"([a-z0-9_-]+)==([0-9.]+)", line).groups()
            assert pins.setdefault(package, version) == version, package


def test_readme_holds_the_commands_that_ci_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Quick start\n(.*?)^## ", readme, re.M | re.S)[1]
    assert re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S) == ["sh tools/setup.sh demo\n", "sh tools/setup.sh test\n"]
    assert "\nsh tools/setup.sh test\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")
