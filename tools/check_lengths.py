"""Holds the lengths of functions and files: python3 tools/check_lengths.py [ROOT]. Prints what is too long, and the spread.

C functions at most 100 lines, Python functions at most 60, files at most 800. Tables, kernels and generated files are exempt.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from pathlib import Path
from typing import Iterator

C_FUNCTION, PYTHON_FUNCTION, FILE = 100, 60, 800
EXEMPT = re.compile(r"_tables|_avx|_neon|generated")
FOLDERS = ("csrc", "python", "tests", "benchmarks", "tools")
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
CALLABLE = re.compile(r"(\w+)\s*\([^{};]*\)\s*$", re.S)


def source_files(root: Path) -> Iterator[Path]:
    tops = [*root.glob("*.py"), *(p for f in FOLDERS for p in (root / f).rglob("*"))]
    yield from sorted(p for p in tops if p.suffix in (".c", ".h", ".py") and not EXEMPT.search(p.name))


def blanked(code: str) -> str:
    """C code with comments, literals and preprocessor lines blanked, and only the first branch of each #if; lines stay."""
    code = TOKEN.sub(lambda m: "\n" * m[0].count("\n") if m[0][0] == "/" else "0", code)
    out, gone, joined = [], [], False
    for line in code.split("\n"):
        directive = re.match(r"\s*#\s*(\w+)", line)
        word = directive[1] if directive and not joined else ""
        if word.startswith("if"):
            gone.append("__cplusplus" in line)
        elif word.startswith("el") and gone:
            gone[-1] = True
        elif word == "endif" and gone:
            gone.pop()
        hidden = bool(word) or joined or any(gone)
        joined = hidden and (bool(word) or joined) and line.endswith("\\")
        out.append("" if hidden else line)
    return "\n".join(out)


def c_functions(code: str) -> Iterator[tuple[str, int, int]]:
    """(name, first line, number of lines) of each function, from its declaration to its last brace."""
    code = blanked(code)
    depth, head_at, body_name, first = 0, 0, "", 0
    for m in re.finditer(r"[{};]", code):
        if m[0] == "{":
            if depth == 0:
                head = code[head_at:m.start()]
                named = CALLABLE.search(head)
                body_name = named[1] if named and "=" not in head.split("(")[0] else ""
                first = code.count("\n", 0, head_at + len(head) - len(head.lstrip())) + 1
            depth += 1
        elif m[0] == "}":
            depth -= 1
            if depth == 0 and body_name:
                yield body_name, first, code.count("\n", 0, m.end()) + 1 - first + 1
        if depth == 0:
            head_at = m.end()


def python_functions(code: str) -> Iterator[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def measure(root: Path) -> tuple[list[str], list[int]]:
    """What is too long, a line each, and the lengths of all C functions of the core and the extension."""
    faults, lengths = [], []
    for path in source_files(root):
        code, name = path.read_text(encoding="utf-8"), path.relative_to(root)
        if code.count("\n") > FILE:
            faults.append(f"{name}: {code.count(chr(10))} lines, more than {FILE}")
        python = path.suffix == ".py"
        limit = PYTHON_FUNCTION if python else C_FUNCTION
        for function, line, n in (python_functions if python else c_functions)(code):
            if n > limit:
                faults.append(f"{name}:{line}: {function} has {n} lines, more than {limit}")
            if not python and name.parts[0] in ("csrc", "python"):
                lengths.append(n)
    return faults, sorted(lengths)


def main() -> int:
    faults, lengths = measure(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    print(*faults, sep="\n", end="\n" if faults else "")
    if lengths:
        print(f"lengths: {len(lengths)} C functions, median {statistics.median(lengths):g} (aim 15), "
              f"p90 {lengths[int(len(lengths) * 0.9)]} (50), longest {lengths[-1]} ({C_FUNCTION})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
