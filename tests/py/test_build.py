"""The build: what it says where a library is missing, and that its flags agree with the makefile's."""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "setup.py").exists():
    pytest.skip("no source tree around the tests", allow_module_level=True)


def load_setup():
    spec = importlib.util.spec_from_file_location("pressmark_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["pressmark_setup"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


setup_py = load_setup()
needs_compiler = pytest.mark.skipif(not shutil.which("cc") and not shutil.which("gcc"), reason="no C compiler here")


def empty_environment(tmp_path):
    """A compiler, but an empty system around it: no header, no library, no pkg-config file."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    return {"PATH": os.environ["PATH"], "CC": f"{compiler} --sysroot={tmp_path} -nostdinc", "PKG_CONFIG_LIBDIR": str(tmp_path),
            "PKG_CONFIG_PATH": str(tmp_path)}


@needs_compiler
def test_build_without_libraries_names_every_package_in_one_line(tmp_path):
    with pytest.raises(setup_py.BuildError) as caught:
        setup_py.Toolchain(empty_environment(tmp_path)).require()
    line = str(caught.value)
    assert "\n" not in line
    for system in ("libxxhash-dev libstemmer-dev libutf8proc-dev libzstd-dev", "xxhash-devel libstemmer-devel utf8proc-devel libzstd-devel",
                   "xxhash snowball utf8proc zstd", "Debian", "Fedora", "macOS"):
        assert system in line


@needs_compiler
@pytest.mark.parametrize("lib", setup_py.LIBRARIES, ids=lambda lib: lib.name)
def test_build_without_one_library_names_its_packages_alone(lib, tmp_path):
    with pytest.raises(setup_py.BuildError) as caught:
        setup_py.Toolchain(empty_environment(tmp_path)).require([lib])
    line = str(caught.value)
    for package in (lib.debian, lib.fedora, lib.macos):
        assert re.search(rf"install [^']*\b{re.escape(package)}\b", line)
    for other in setup_py.LIBRARIES:
        assert other is lib or other.debian not in line


def test_build_with_an_empty_environment_asks_for_a_compiler(tmp_path):
    with pytest.raises(setup_py.BuildError, match=r"^pressmark cannot be built without a C compiler; .*gcc.*\(macOS\)$"):
        setup_py.Toolchain({"PATH": str(tmp_path)}).require()


@needs_compiler
def test_build_finds_libraries_without_pkg_config(tmp_path):
    """Debian's libstemmer has no pkg-config file: header and library are tried. The C library's own stands for one here."""
    lib = setup_py.Library("libm", "pressmark-no-such-file", "math.h", "m", "libc6-dev", "glibc-devel", "gcc")
    tools = setup_py.Toolchain({"PATH": os.environ["PATH"], "CC": shutil.which("gcc") or "cc", "PKG_CONFIG_LIBDIR": str(tmp_path)})
    assert tools.find(lib) == ([], ["-lm"])


def test_build_flags_of_kernels_are_those_of_the_makefile():
    makefile = (ROOT / "tools/core.mk").read_text(encoding="utf-8")
    for suffix, flags in setup_py.KERNEL_FLAGS.items():
        said = re.search(rf"%{suffix}\.o: CFLAGS \+= (.*)", makefile)
        assert said and said[1].split() == flags


def test_build_gives_kernel_flags_to_their_processor_only():
    assert setup_py.kernel_flags("csrc/codec/unpack_avx2.c", "x86_64", "linux") == setup_py.KERNEL_FLAGS["_avx2"]
    assert setup_py.kernel_flags("csrc/codec/unpack_avx2.c", "aarch64", "linux") == []
    assert setup_py.kernel_flags("csrc/codec/unpack.c", "x86_64", "linux") == []
    assert setup_py.kernel_flags("csrc/codec/unpack_avx2.c", "arm64", "darwin")[:2] == ["-Xarch_x86_64", "-mavx2"]


def test_build_warnings_are_those_of_the_makefile():
    makefile = (ROOT / "tools/core.mk").read_text(encoding="utf-8").replace("\\\n", " ")
    assert re.search(r"^WARN := (.*)$", makefile, re.M)[1].split() == setup_py.WARNINGS
    strict = setup_py.source_flags("python/pressmark/core.c", {"PRESSMARK_WERROR": "1"})
    assert "-Werror" in strict and "-Wpedantic" not in strict and "-Wmissing-prototypes" not in strict


def test_version_stands_in_one_place():
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", setup_py.version())
    for name in ("pyproject.toml", "setup.py", "csrc/pressmark.h"):
        path = ROOT / name
        assert not path.exists() or setup_py.version() not in path.read_text(encoding="utf-8")
