"""Writes the texts of the sample articles into their JSONL: python3 tools/make_sample.py [--check].

python/pressmark/sample/KEY.txt holds a text; articles.jsonl holds key, date, outlet, title and, as written by this script,
that text. So the same articles come as a folder of text files and as rows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "python" / "pressmark" / "sample"


def refreshed() -> str:
    """articles.jsonl with each row's text as its file has it, in order of keys."""
    rows = [json.loads(line) for line in (SAMPLE / "articles.jsonl").read_text(encoding="utf-8").splitlines()]
    keys = sorted(path.stem for path in SAMPLE.glob("*.txt"))
    if keys != sorted(row["key"] for row in rows):
        sys.exit("the keys of articles.jsonl are not the names of the .txt files")
    for row in rows:
        row["text"] = (SAMPLE / f"{row['key']}.txt").read_text(encoding="utf-8")
    rows.sort(key=lambda row: row["key"])
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main() -> int:
    wanted = refreshed()
    if "--check" in sys.argv[1:]:
        return int(wanted != (SAMPLE / "articles.jsonl").read_text(encoding="utf-8"))
    (SAMPLE / "articles.jsonl").write_text(wanted, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
