"""Many questions at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, TypeVar

Answer = TypeVar("Answer")


def on_all_cores(ask: Callable[[str], Answer], queries: list[str]) -> list[Answer]:
    """Answers in the order of the queries. The core releases the interpreter's lock, so threads run beside each other; none outlives
    the call, but where it is interrupted: then those at work end on their own and the rest is not begun."""

    def one(query: str) -> Answer:
        try:
            return ask(query)
        except Exception as error:
            error.add_note(f"of the query {query!r}")
            raise

    workers = min(os.cpu_count() or 1, len(queries))
    if workers < 2:
        return [one(query) for query in queries]
    pool = ThreadPoolExecutor(workers, "pressmark-ask")
    try:
        answers = list(pool.map(one, queries))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return answers
