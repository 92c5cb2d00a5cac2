"""Builds the extension pressmark._core from csrc/ and python/pressmark/*.c; all else stands in pyproject.toml.

PRESSMARK_WERROR=1  the house's warnings, as errors
PRESSMARK_SAN=1     address and undefined-behaviour sanitizers
PRESSMARK_STATIC=1  xxhash, libstemmer, utf8proc and libzstd linked in, for wheels
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
JOBS = 2
BASE_FLAGS = ["-std=c11", "-O2", "-fvisibility=hidden", "-ffp-contract=off", "-pthread"]
WARNINGS = ("-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes "
            "-Wvla -Wcast-align -Wundef -Wformat=2").split()
NOT_IN_EXTENSION = {"-Wpedantic", "-Wmissing-prototypes"}
SANITIZERS = ["-fsanitize=address,undefined"]
SAN_FLAGS = ["-U_FORTIFY_SOURCE", "-O1", "-g", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", *SANITIZERS]
# Kernels are built for their own instruction sets and chosen at run time. The same flags stand in tools/core.mk.
KERNEL_FLAGS = {
    "_avx2": "-mavx2 -mbmi -mbmi2 -mpopcnt".split(),
    "_avx512": ("-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mavx512vpopcntdq "
                "-mbmi -mbmi2 -mpopcnt").split(),
}


@dataclass(frozen=True)
class Library:
    """What the core links to, and the packages that bring its headers. pc: name for pkg-config, where one exists."""

    name: str
    pc: str | None
    header: str
    link: str
    debian: str
    fedora: str
    macos: str


LIBRARIES = (
    Library("xxhash", "libxxhash", "xxhash.h", "xxhash", "libxxhash-dev", "xxhash-devel", "xxhash"),
    Library("libstemmer", None, "libstemmer.h", "stemmer", "libstemmer-dev", "libstemmer-devel", "snowball"),
    Library("utf8proc", "libutf8proc", "utf8proc.h", "utf8proc", "libutf8proc-dev", "utf8proc-devel", "utf8proc"),
    Library("libzstd", "libzstd", "zstd.h", "zstd", "libzstd-dev", "libzstd-devel", "zstd"),
)
PYTHON = Library("Python.h", None, "Python.h", "", "python3-dev", "python3-devel", "python")
COMPILER = Library("a C compiler", None, "", "", "gcc libc6-dev", "gcc", "gcc")


class BuildError(Exception):
    """One line that says what to install."""


def missing_line(missing: Sequence[Library]) -> str:
    def names(system: str) -> str:
        return " ".join(getattr(lib, system) for lib in missing)

    return (f"pressmark cannot be built without {', '.join(lib.name for lib in missing)}; install with "
            f"'apt-get install {names('debian')}' (Debian, Ubuntu), 'dnf install {names('fedora')}' (Fedora) "
            f"or 'brew install {names('macos')}' (macOS)")


class Toolchain:
    """The compiler and pkg-config as an environment names them, and where they find the libraries."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.cc = shlex.split(env.get("CC") or sysconfig.get_config_var("CC") or "cc")
        homes = [env.get("HOMEBREW_PREFIX"), env.get("CONDA_PREFIX"), "/opt/homebrew" if sys.platform == "darwin" else None]
        self.prefixes = [None, *(p for p in homes if p)]

    def run(self, *command: str, source: str = "") -> str | None:
        """The command's output; None where it fails or cannot be run."""
        try:
            done = subprocess.run(command, input=source, capture_output=True, text=True, env=self.env)
        except OSError:
            return None
        return done.stdout if done.returncode == 0 else None

    def compiles(self, source: str, *flags: str, link: bool = False) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            command = [*self.cc, *([] if link else ["-c"]), "-x", "c", "-", "-o", os.path.join(folder, "probe"), *flags]
            return self.run(*command, source=source) is not None

    def find(self, lib: Library) -> tuple[list[str], list[str]] | None:
        """Flags to compile and to link with lib: pkg-config's, else those with which its header and library are found."""
        if lib.pc:
            cflags = self.run("pkg-config", "--cflags", lib.pc)
            libs = self.run("pkg-config", "--libs", lib.pc)
            if cflags is not None and libs is not None:
                return shlex.split(cflags), shlex.split(libs)
        source = f"#include <stddef.h>\n#include <{lib.header}>\nint main(void) {{ return 0; }}\n"
        for prefix in self.prefixes:
            cflags_, libs_ = ([f"-I{prefix}/include"], [f"-L{prefix}/lib"]) if prefix else ([], [])
            libs_ = [*libs_, f"-l{lib.link}"]
            if self.compiles(source, *cflags_, *libs_, link=True):
                return cflags_, libs_
        return None

    def archive(self, lib: Library, libs: Sequence[str]) -> str:
        """Path of the library's static archive."""
        name = f"lib{lib.link}.a"
        places = [Path(x[2:]) / name for x in libs if x.startswith("-L")]
        said = self.run(*self.cc, f"-print-file-name={name}")
        for place in [*places, Path((said or "").strip())]:
            if place.is_absolute() and place.is_file():
                return str(place)
        raise BuildError(f"PRESSMARK_STATIC=1: no {name} beside the shared {lib.name}; install its static library or build without")

    def require(self, libraries: Sequence[Library] = LIBRARIES, static: bool = False) -> tuple[list[str], list[str]]:
        """Compile and link flags for all libraries; BuildError, naming the packages, where something is missing."""
        if not self.compiles("int pressmark_probe;\n"):
            raise BuildError(missing_line([COMPILER]))
        found = {lib: self.find(lib) for lib in libraries}
        missing = [lib for lib in libraries if found[lib] is None]
        if not self.compiles("#include <Python.h>\n", f"-I{sysconfig.get_path('include')}"):
            missing.append(PYTHON)
        if missing:
            raise BuildError(missing_line(missing))
        cflags: list[str] = []
        libs: list[str] = []
        for lib, flags in found.items():
            assert flags is not None
            cflags += flags[0]
            libs += [self.archive(lib, flags[1])] if static else flags[1]
        if static and sys.platform != "darwin":
            libs.append("-Wl,--exclude-libs,ALL")
        return cflags, libs


def kernel_flags(source: str, machine: str | None = None, system: str = sys.platform) -> list[str]:
    """Flags of one source's instruction set; none for other processors, whose compilers see an empty file."""
    for suffix, flags in KERNEL_FLAGS.items():
        if Path(source).stem.endswith(suffix):
            if system == "darwin":  # builds for two processors at once; the flag reaches one
                return [word for flag in flags for word in ("-Xarch_x86_64", flag)]
            return flags if (machine or platform.machine()).lower() in ("x86_64", "amd64", "i686") else []
    return []


def source_flags(source: str, env: Mapping[str, str]) -> list[str]:
    """All flags of one source but include paths and macros."""
    flags = [*BASE_FLAGS, *kernel_flags(source)]
    if env.get("PRESSMARK_WERROR") == "1":
        extension = not source.startswith("csrc")
        flags += [w for w in WARNINGS if not (extension and w in NOT_IN_EXTENSION)] + ["-Werror"]
    if env.get("PRESSMARK_SAN") == "1":
        flags += SAN_FLAGS
    return flags


def newest_header() -> float:
    """When any header, or this file, last changed: objects older than that are built again."""
    headers = [*ROOT.glob("csrc/**/*.h"), *ROOT.glob("python/pressmark/*.h"), Path(__file__)]
    return max(h.stat().st_mtime for h in headers)


class BuildCore(build_ext):
    """Compiles JOBS files at a time, each with its own flags, and only those that changed."""

    def build_extension(self, ext: Extension) -> None:
        try:
            cflags, libs = Toolchain(os.environ).require(static=os.environ.get("PRESSMARK_STATIC") == "1")
        except BuildError as e:
            raise SystemExit(str(e)) from None
        python_include = sysconfig.get_path("include")
        fixed = [*cflags, "-isystem", python_include]
        folder = self.object_folder(fixed, ext)
        changed = newest_header()

        def compile_one(source: str) -> str:
            out = Path(folder, source).with_suffix(".o")
            if not (out.exists() and out.stat().st_mtime > max(changed, (ROOT / source).stat().st_mtime)):
                self.compiler.compile([source], output_dir=folder, macros=ext.define_macros, include_dirs=ext.include_dirs,
                                      extra_postargs=[*fixed, *source_flags(source, os.environ)])
            return str(out)

        for source in ext.sources:  # beforehand: making folders is not safe in threads
            Path(folder, source).parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(JOBS) as pool:
            objects = list(pool.map(compile_one, ext.sources))
        linking = [*libs, "-lm", "-pthread", *(SANITIZERS if os.environ.get("PRESSMARK_SAN") == "1" else [])]
        self.compiler.link_shared_object(objects, self.get_ext_fullpath(ext.name), extra_postargs=linking,
                                         build_temp=folder, target_lang="c")

    def object_folder(self, fixed: Sequence[str], ext: Extension) -> str:
        """One folder for each set of flags, so that no object of another build is taken over."""
        said = repr((fixed, ext.define_macros, self.compiler.compiler_so, [source_flags(s, os.environ) for s in ext.sources]))
        return os.path.join(self.build_temp, hashlib.sha256(said.encode()).hexdigest()[:12])


def version() -> str:
    text = (ROOT / "python/pressmark/_version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.M)
    assert found
    return found[1]


def extension() -> Extension:
    paths = sorted([*ROOT.glob("csrc/**/*.c"), *ROOT.glob("python/pressmark/*.c")])
    macros = [("_GNU_SOURCE", "1"), ("PM_VERSION", f'"{version()}"')]
    if limited_api():
        macros.append(("Py_LIMITED_API", "0x030B0000"))
    return Extension("pressmark._core", [str(p.relative_to(ROOT)) for p in paths], include_dirs=["csrc"],
                     define_macros=macros, py_limited_api=limited_api())


def limited_api() -> bool:
    """One build serves all Pythons from 3.11 on, but for the free-threaded ones, which have no stable interface."""
    return not sysconfig.get_config_var("Py_GIL_DISABLED")


if __name__ == "__main__":
    os.chdir(ROOT)
    setup(ext_modules=[extension()], cmdclass={"build_ext": BuildCore},
          options={"bdist_wheel": {"py_limited_api": "cp311"}} if limited_api() else {})
