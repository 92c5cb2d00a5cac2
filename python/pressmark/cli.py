"""The command line: `pressmark index|search|hits|kwic|count|trend|info|verify|optimize|demo`.

Aligned text for people, --json and --csv for programs. Exit status 0; 1 where nothing was found; 2 after an error, which is one line on
stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Sequence

from pressmark import _core
from pressmark._build import index
from pressmark._display import is_day, terminal_width
from pressmark._errors import Error, LimitError, QuerySyntaxError
from pressmark._index import Index, open as open_index
from pressmark._periods import PERIODS
from pressmark._table import Table
from pressmark._version import __version__
from pressmark.demo import main as demo


_GENERATIONS = 5  # that info names


def _json_value(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return (value.date() if is_day(value) and hasattr(value, "date") else value).isoformat()
    return str(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_json_value)


def _width() -> int | None:
    """Columns to fit into; a pipe gets whole lines."""
    return terminal_width() if sys.stdout.isatty() else None


def _print_table(table: Table, args: argparse.Namespace) -> int:
    """Prints the table as asked for; the exit status says whether it holds something."""
    if args.json:
        rows = ",\n ".join(_dump(r) for r in table.to_dicts())
        print(f"[{rows}]")
    elif args.csv:
        print(table.to_csv(), end="")
    else:
        print(table._to_text(_width(), None))
    return 0 if len(table) else 1


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


_natural.__name__ = "number"  # argparse: invalid number value


def _columns(text: str | None) -> list[str] | None:
    return [c.strip() for c in text.split(",") if c.strip()] if text else None


# ---- commands ----


def _index(args: argparse.Namespace) -> int:
    source = args.source[0] if len(args.source) == 1 else args.source
    idx = index(source, args.path, text=_columns(args.text), key=args.key, date=args.date, fields=_columns(args.fields),
                lang=args.lang, threads=args.threads, memory=args.memory, store=not args.no_store, encoding=args.encoding,
                progress=False if args.quiet else None, on_error="skip" if args.skip else "raise", if_exists=args.if_exists)
    for row in idx.skipped:
        print(f"skipped: row {row.row}: {row.reason}", file=sys.stderr)
    if not args.quiet:
        print(repr(idx))
    return 0 if len(idx) else 1


def _search(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        return _print_table(idx.search(args.query, args.k, filter=args.filter, sort=args.sort, match=args.match,
                                       columns=_columns(args.columns)), args)


def _hits(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        hits = idx.hits(args.query, filter=args.filter, columns=_columns(args.columns))
        if args.json or args.csv:
            return _print_table(hits if args.limit is None else hits[: args.limit], args)
        print(hits._to_text(_width(), args.limit))
        return 0 if len(hits) else 1


def _kwic(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        hits = idx.hits(args.query, filter=args.filter, columns=_columns(args.columns))
        return _print_table(hits.kwic(args.width, args.unit, _columns(args.sort), args.scope)[: args.limit], args)


def _count(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        if len(args.query) == 1 and args.by is None and not args.json and not args.csv:
            n = idx.count(args.query[0], unit=args.unit, filter=args.filter)
            print(n)
            return 0 if n else 1
        table = idx.count(args.query, by=args.by, filter=args.filter)
        _print_table(table, args)
        return 0 if any(table.column("hits").tolist()) else 1


def _trend(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        table = idx.trend(args.query, by=args.by, filter=args.filter)
        _print_table(table, args)
        return 0 if any(table.column("hits").tolist()) else 1


def _info(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx:
        facts = idx.info()
    if args.json:
        print(_dump(facts))
        return 0
    columns = ", ".join(f"{c['name']} ({c['kind']})" for c in facts.pop("columns"))
    files = facts.pop("files")
    retained = [f"{g['generation']} ({g['published']})" for g in facts.pop("generations")]
    before = len(retained) - _GENERATIONS
    generations = ", ".join([*([f"{before:,} before"] if before > 0 else []), *retained[-_GENERATIONS:]])
    shown = {k: f"{v:,}" if type(v) is int else ", ".join(v) if isinstance(v, list) else v for k, v in facts.items()}
    shown |= {"generations": generations, "columns": columns, "files": ", ".join(f"{n} {size:,}" for n, size in files.items())}
    if args.csv:
        print("fact,value", *(f'{k},"{v}"' for k, v in shown.items()), sep="\n")
        return 0
    width = max(map(len, shown))
    print(*(f"{k:{width}}  {v}" for k, v in shown.items() if v is not None), sep="\n")
    return 0


def _verify(args: argparse.Namespace) -> int:
    _core.verify(args.path)
    print(f"{args.path}: every file is whole")
    return 0


def _optimize(args: argparse.Namespace) -> int:
    with open_index(args.path) as idx, idx.optimize(args.restem, timeout=args.timeout, memory=args.memory, threads=args.threads) as made:
        if not args.quiet:
            print(repr(made))
    return 0


def _demo(args: argparse.Namespace) -> int:
    return demo()


# ---- arguments ----


def _output_options(p: argparse.ArgumentParser) -> None:
    how = p.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="a JSON array of objects")
    how.add_argument("--csv", action="store_true", help="CSV with a line of names")


def _query_options(p: argparse.ArgumentParser) -> None:
    p.add_argument("--filter", metavar="QUERY", help="only documents of this metadata query, e.g. 'outlet:\"the hill\"'")
    _output_options(p)


def _add_index(commands: Any) -> None:
    p = commands.add_parser("index", help="build an index", description="Builds an index at PATH from files.")
    p.add_argument("source", nargs="+", help="files, folders or a quoted glob: .txt .jsonl .ndjson .csv .tsv .parquet, also .gz .zst")
    p.add_argument("path", help="the index directory to be")
    p.add_argument("--text", metavar="COLUMNS", help="text columns, separated by commas")
    p.add_argument("--key", metavar="COLUMN")
    p.add_argument("--date", metavar="COLUMN")
    p.add_argument("--fields", metavar="COLUMNS", help="metadata columns to keep, separated by commas (default: all)")
    p.add_argument("--lang", default="english")
    p.add_argument("--threads", type=int)
    p.add_argument("--memory", default="1GB")
    p.add_argument("--encoding", default="utf-8")
    p.add_argument("--no-store", action="store_true", help="do not keep the original text")
    p.add_argument("--skip", action="store_true", help="leave bad rows out instead of stopping")
    p.add_argument("--if-exists", choices=("raise", "open", "replace"), default="raise")
    p.add_argument("--quiet", action="store_true")
    p.set_defaults(run=_index)


def _add_questions(commands: Any) -> None:
    p = commands.add_parser("search", help="rank articles")
    p.add_argument("path")
    p.add_argument("query")
    p.add_argument("-k", type=int, default=10, help="articles at most (10)")
    p.add_argument("--sort", default="score", help="score, newest, oldest or a column")
    p.add_argument("--match", choices=("any", "all"), default="any", help="plain words: any of them, or all")
    p.add_argument("--columns", help="metadata columns to add, separated by commas")
    p.set_defaults(run=_search)
    _query_options(p)
    p = commands.add_parser("hits", help="every hit")
    p.add_argument("path")
    p.add_argument("query")
    p.add_argument("--columns", help="metadata columns to add, separated by commas")
    p.add_argument("--limit", type=_natural, metavar="N", help="the first N hits only")
    p.set_defaults(run=_hits)
    _query_options(p)
    p = commands.add_parser("kwic", help="every hit in its context")
    p.add_argument("path")
    p.add_argument("query")
    p.add_argument("--width", type=int, default=40)
    p.add_argument("--unit", choices=("chars", "words"), default="chars")
    p.add_argument("--sort", metavar="KEYS", help="1L..9L, 1R..9R, hit, date or columns, separated by commas")
    p.add_argument("--scope", choices=("sentence", "paragraph"))
    p.add_argument("--columns", help="metadata columns to add, separated by commas")
    p.add_argument("--limit", type=_natural, metavar="N", help="the first N lines only")
    p.set_defaults(run=_kwic)
    _query_options(p)
    p = commands.add_parser("count", help="how often queries are found")
    p.add_argument("path")
    p.add_argument("query", nargs="+")
    p.add_argument("--by", metavar="COLUMN", help="group by a metadata column")
    p.add_argument("--unit", choices=("hits", "documents"), default="hits")
    p.set_defaults(run=_count)
    _query_options(p)
    p = commands.add_parser("trend", help="how often a query is found over time")
    p.add_argument("path")
    p.add_argument("query")
    p.add_argument("--by", choices=PERIODS, default="month")
    p.set_defaults(run=_trend)
    _query_options(p)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pressmark", description="Full-text search for collections of news articles.",
                                     epilog="Exit status: 0; 1 where nothing was found; 2 after an error.")
    parser.add_argument("--version", action="version", version=f"pressmark {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_index(commands)
    _add_questions(commands)
    p = commands.add_parser("info", help="facts about an index")
    p.add_argument("path")
    _output_options(p)
    p.set_defaults(run=_info)
    p = commands.add_parser("verify", help="check every byte of an index")
    p.add_argument("path")
    p.set_defaults(run=_verify)
    p = commands.add_parser("optimize", help="merge into one segment, without deleted articles",
                            description="Merges the index at PATH into one segment. Answers stay the same.")
    p.add_argument("path")
    p.add_argument("--restem", action="store_true", help="make the stems anew, with this version's stemmer")
    p.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="how long to wait for a writer (10)")
    p.add_argument("--memory", default="1GB")
    p.add_argument("--threads", type=int)
    p.add_argument("--quiet", action="store_true")
    p.set_defaults(run=_optimize)
    p = commands.add_parser("demo", help="search the sample articles")
    p.set_defaults(run=_demo)
    return parser


def _complain(e: BaseException) -> int:
    """One line on stderr; of a query error the place as a number, where str() draws carets."""
    said = str(e) if not isinstance(e, KeyError) else f"no document {e}"
    if isinstance(e, (QuerySyntaxError, LimitError)):
        place = "" if e.pos is None else f" (at character {e.pos + 1})"
        said = f"{e.message}{place}" + (f"; {e.hint}" if e.hint else "")
    print("pressmark:", " ".join(said.split()) or type(e).__name__, file=sys.stderr)
    return 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("pressmark: interrupted", file=sys.stderr)
        return 2
    except (Error, OSError, ValueError, KeyError, TypeError, ImportError, MemoryError) as e:
        return _complain(e)
