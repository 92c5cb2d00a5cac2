"""Holds the order of layers: python3 tools/check_layers.py [ROOT]. A file of csrc/ includes its own layer and lower ones only.

Quoted includes are written from csrc/; a file of python/ includes its neighbours and pressmark.h alone.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# codec and text stand on one level: neither knows the other. Files of csrc/ itself are the interface, above all layers.
RANK = {"base": 0, "codec": 1, "text": 1, "format": 2, "index": 3, "query": 4, "analysis": 5, "": 6}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)


def layer(path: Path) -> str:
    """The folder of a path written from csrc/; "" for csrc/ itself."""
    return path.parts[0] if len(path.parts) > 1 else ""


def includes(path: Path) -> list[tuple[int, str]]:
    """Line numbers and names of a file's quoted includes."""
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m[1]) for m in INCLUDE.finditer(text)]


def core_breaks(root: Path) -> list[str]:
    csrc = root / "csrc"
    out = []
    for path in sorted(p for p in csrc.rglob("*") if p.suffix in (".c", ".h")):
        own = layer(path.relative_to(csrc))
        if own not in RANK:
            out.append(f"{path.relative_to(root)}: {own} is no layer")
            continue
        for line, name in includes(path):
            where = f"{path.relative_to(root)}:{line}: includes {name}"
            other = layer(Path(name))
            if not (csrc / name).is_file():
                out.append(f"{where}, which is not a file of csrc/")
            elif other != own and RANK.get(other, 99) >= RANK[own]:
                out.append(f"{where} of layer {other or 'pressmark.h'}, which {own} does not know")
    return out


def python_breaks(root: Path) -> list[str]:
    package = root / "python" / "pressmark"
    return [f"{path.relative_to(root)}:{line}: includes {name}; only pressmark.h is for python/"
            for path in sorted(p for p in package.rglob("*") if p.suffix in (".c", ".h"))
            for line, name in includes(path) if name != "pressmark.h" and not (path.parent / name).is_file()]


def breaks(root: Path) -> list[str]:
    return core_breaks(root) + python_breaks(root)


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = breaks(root)
    print(*found or ["layers: in order"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
