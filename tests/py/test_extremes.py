"""The smallest, the largest and the broken: each answer is right, or an error that says what was expected and what was found."""

import datetime as dt
import math
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest

pm = pytest.importorskip("pressmark")

NEEDLE = "éé the needle, in a haystack. end"


def truth(pattern, text):
    return [m.span() for m in re.finditer(pattern, text)]


def spans(hits):
    return [(h.start, h.end) for h in hits]


def whole(idx):
    """The index is sound: verified, and each document's tokens are slices of its text."""
    idx.verify()
    assert idx.n_tokens == sum(idx.documents([]).column("tokens").tolist())
    return idx


# ---- small ----


def test_empty_corpus_answers_every_question_with_nothing():
    with pm.index([]) as idx:
        whole(idx)
        assert len(idx) == idx.n_tokens == 0 and idx.keys() == [] and len(idx.documents()) == len(idx.words()) == 0
        hits = idx.hits('a W/5 "b c"')
        assert hits.count == hits.documents == len(hits.kwic(sort="1R")) == len(hits.by("doc")) == len(hits.sample(5, 1)) == len(hits[:3]) == 0
        assert idx.phrase("a b").count == idx.near("a", "b", within=5).count == idx.count("a") == 0
        assert idx.search("a").total == 0 and list(idx.search("a")) == [] and idx.count(["a", "b"]).column("hits").tolist() == [0, 0]
        assert idx.count(["a"])[0].per_million is None and idx.count(["a"])[0].share is None
        for shown in (idx, hits, idx.search("a"), idx.documents(), idx.words(), hits.kwic(), hits.by("doc"), idx.count(["a"]), idx.cite(hits)):
            assert repr(shown) and shown._repr_html_()
        assert idx.hits("a", filter=[]).count == 0
        with pytest.raises(KeyError):
            idx.text("0")


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "\u200b", "\ufeff", "\0", "“”", "\u00ad"])
def test_document_without_a_word_keeps_its_text(text):
    with pm.index([{"text": "word"}, {"text": text}, {"text": "word"}]) as idx:
        whole(idx)
        assert idx.text("1") == text and len(idx.tokens("1")) == 0 and [h.doc for h in idx.hits("word")] == ["0", "2"]
        assert idx.phrase("word word").count == 0 and idx.documents()[1].tokens == 0
        assert [r.doc for r in idx.hits("word").by("doc") if not r.hits] == ["1"]


def test_document_of_one_word():
    with pm.index([{"text": "word"}]) as idx:
        whole(idx)
        assert spans(idx.hits("word")) == spans(idx.phrase("word")) == [(0, 4)] and idx.count("word W/5 word") == 0
        row = idx.hits("word").kwic()[0]
        assert (row.left, row.hit, row.right) == ("", "word", "") and idx.search("word")[0].snippet == "**word**"


# ---- large ----


def test_hits_near_the_end_of_a_document_of_50_million_bytes():
    line = "the quick brown fox jumps over the lazy dog. "
    text = line * (50_000_000 // len(line)) + NEEDLE
    with pm.index([{"text": text}]) as idx:
        at = len(text) - len(NEEDLE)
        for hits in (idx.phrase("needle in a haystack"), idx.hits("needle PRE/5 haystack")):
            assert spans(hits) == [(at + 7, at + 28)] and hits[0].text == text[at + 7 : at + 28] == "needle, in a haystack"
        assert idx.hits("needle").kwic(width=7)[0].left == "éé the "
        assert idx.count("fox") == text.count("fox") and idx.hits("lazy")[-1].start == text.rindex("lazy")
        assert "**needle**" in idx.search("needle")[0].snippet


@pytest.mark.parametrize(("char", "tokens"), [
    ("x", 255), ("é", 255), ("7", 255), (" ", 0), ("\n", 0), (".", 0), ("'", 0), ("“", 0), ("\u0301", 0), ("\u200d", 0), ("\0", 0), ("@", 0),
    ("\u00ad", 0), ("東", 1), ("ก", 1), ("😀", 1)])
def test_document_of_one_character_repeated(char, tokens):
    text = char * 2_000_000
    with pm.index([{"text": text}]) as idx:
        assert idx.n_tokens == (tokens and math.ceil(len(text) / tokens))
        assert idx.text("0") == text
        if tokens:
            assert idx.count(char * 2) == (0 if tokens > 1 else len(text) - 1) and idx.count(char * tokens) == len(text) // tokens
            assert idx.hits(char * tokens)[-1].end == len(text) // tokens * tokens


@pytest.mark.parametrize("unit", ["a.", "a@", "@a", "#a", "http://", "www.", "a'", "1,", "1,000,", "a.b@", "https://a(", "“a ", '"a" ', "A. ", "a\n\n",
                                  "a\u0301\u200d", "😀\u200d", "🇺🇸", "U.S.’s"])
def test_document_of_a_short_pattern_repeated_is_read_in_linear_time(unit):
    text = unit * (300_000 // len(unit))
    with pm.index([{"text": text}]) as idx:
        whole(idx)
        assert idx.text("0") == text
        table = idx.tokens("0")
        assert all(lo < hi for lo, hi in zip(table.column("start"), table.column("end")))
        last = table[len(table) - 1] if len(table) else None
        assert last is None or text[last.start : last.end] == last.surface


def test_words_of_a_million_characters_are_cut_and_found():
    text = "a" + "x" * 1_000_000 + " end\n" + "www." + "y" * 1_000_000 + " end " + "b" * 1_000_000 + "@c.de end"
    with pm.index([{"text": text}]) as idx:
        whole(idx)
        assert spans(idx.hits("end")) == truth("end", text) and max(t.end - t.start for t in idx.tokens("0")) <= 255
        assert idx.hits("a" + "x" * 254)[0].start == 0


def test_hundred_thousand_documents_have_their_keys():
    n = 100_000
    with pm.index(({"key": f"k{i}", "text": f"w{i % 1000} x", "n": i} for i in range(n)), threads=2) as idx:
        whole(idx)
        assert len(idx) == n and idx.keys() == [f"k{i}" for i in range(n)]
        assert [h.doc for h in idx.hits("w7")] == [f"k{i}" for i in range(7, n, 1000)]
        assert idx.search("x", k=n).total == n == len(idx.search("x", k=n + 1, snippet=False)) and idx.text("k99999") == "w999 x"
        assert idx.count("x", filter="n:>=99990") == 10 and idx.hits("x", filter=[f"k{n - 1}", "k0"]).documents == 2
        assert idx.count(["x"], by="n").column("hits").tolist() == [1] * n
        with pytest.raises(KeyError, match="k100000"):
            idx.text("k100000")


def test_document_larger_than_a_segment_names_the_limit():
    before = pm.limits.segment_tokens
    try:
        pm.limits.segment_tokens = 1000
        with pytest.raises(pm.LimitError, match="1,?000|segment_tokens"):
            pm.index([{"text": "word " * 2000}])
        with pm.index([{"key": "fits", "text": "word " * 900}, {"key": "large", "text": "word " * 2000}], on_error="skip") as idx:
            assert idx.keys() == ["fits"] and idx.skipped[0].key == "large" and idx.skipped[0].reason
    finally:
        pm.limits.segment_tokens = before


def test_many_segments_answer_as_one(tmp_path):
    draw = random.Random(7)
    rows = [{"key": str(i), "n": i % 5, "text": " ".join(draw.choice("ab US us x.y É e 弾道 5,000".split()) for _ in range(draw.randrange(40)))}
            for i in range(800)]
    before = pm.limits.segment_tokens
    one = pm.index(rows, tmp_path / "one")
    try:
        pm.limits.segment_tokens = 200
        many = pm.index(rows, tmp_path / "many")
    finally:
        pm.limits.segment_tokens = before
    assert many.info()["segments"] > 50 and one.info()["segments"] == 1
    whole(many)
    for query in ("ab", "US", "==US W/3 e", '"e us"', "弾道", "x.y PRE/2 ab", "us NOT ab", "e n:3", '"ab e"~2', "*a*", "(ab OR us) W/2 5,000"):
        a, b = one.hits(query), many.hits(query)
        assert a.to_dicts() == b.to_dicts() and [h.parts for h in a[:50]] == [h.parts for h in b[:50]]
        ranked = [(r.doc, r.score, r.snippet) for r in one.search(query, k=50)]
        assert ranked == [(r.doc, r.score, r.snippet) for r in many.search(query, k=50)]
        assert a.kwic(sort=["1R", "1L"]).to_dicts() == b.kwic(sort=["1R", "1L"]).to_dicts() and a.by("n").to_dicts() == b.by("n").to_dicts()
    assert one.words().to_dicts() == many.words().to_dicts() and one.keys() == many.keys()
    one.close(), many.close()


# ---- odd text and metadata ----


def test_lone_surrogates_and_invalid_bytes_become_replacement_characters(tmp_path):
    text = "a \ud800 b \udfffc \U0001f600 \ud83d\ude00 d"
    with pm.index([{"text": text, "m": "x"}]) as idx:
        whole(idx)
        kept = idx.text("0")
        assert len(kept) == len(text) and kept == re.sub("[\ud800-\udfff]", "\ufffd", text) and any("4 invalid" in n for n in idx.notes)
        assert spans(idx.hits("d")) == truth("d", kept)
        for query in ("\ud800", "a\udc00", '"\ud83d"'):
            assert idx.search(query).total >= 0
    for data in (b"a \xff b", b"a \xed\xa0\x80 b", b"a \xc0\x80 b", b"a \xf4\x90\x80\x80 b", b"a \xe2\x82"):
        with pm.index([{"text": data}]) as idx:
            whole(idx)
            assert "\ufffd" in idx.text("0") and spans(idx.hits("a")) == [(0, 1)] and any("U+FFFD" in n for n in idx.notes)
        (tmp_path / "a.txt").write_bytes(data)
        with pytest.raises(pm.SourceError, match="utf-8"):
            pm.index(tmp_path / "a.txt")


@pytest.mark.parametrize("bad", [{"key": "k\ud800"}, {"c\udfff": 1}, {"c\0": 1}, {"": 1}, {"c" * 100_000: 1}, {5: 1}, {None: 1}])
def test_impossible_key_or_column_name_is_an_error_of_that_row(bad):
    rows = [{"key": "a", "text": "x"}, {"key": "b", "text": "y"} | bad, {"key": "c", "text": "z"}]
    with pytest.raises(pm.SourceError, match="row 1") as caught:
        pm.index(iter(rows))
    assert caught.value.row == 1 and caught.value.reason
    with pm.index(iter(rows), on_error="skip") as idx:
        assert whole(idx).keys() == ["a", "c"] and [s.row for s in idx.skipped] == [1]


def test_lone_surrogate_in_metadata_becomes_a_replacement_character():
    with pm.index([{"text": "a", "m": "v\udc00"}]) as idx:
        assert whole(idx).doc("0")["m"] == "v\ufffd" and idx.count("a", filter="m:v*") == 1


def test_text_key_and_date_columns_of_impossible_names_are_value_errors():
    for name in ("t\0", "t\ud800", ""):
        for role in ("text", "key", "date"):
            with pytest.raises(ValueError):
                pm.index([{"text": "a", "x" if role == "text" else "y": "b", name: "c"}], **{role: name})
    with pytest.raises(pm.SourceError, match="columns: 5"):
        pm.index([{5: "a"}])


def test_two_hundred_columns_and_huge_values():
    rows = [{"key": str(i), "text": "word"} | {f"spalte {j} é": f"{i}-{j}" for j in range(200)} | {"huge": "v" * 1_000_000 + str(i)}
            for i in range(20)]
    with pm.index(rows) as idx:
        whole(idx)
        assert len(idx.info()["columns"]) == 201 and idx.doc("7") == rows[7]
        assert idx.documents(["spalte 199 é", "huge"])[3].huge == rows[3]["huge"]
        assert idx.hits("word", columns=["spalte 100 é"])[5]["spalte 100 é"] == "5-100"
        assert idx.hits("word").by("spalte 3 é")[0].hits == 1
        assert len(repr(idx.documents())) < 1_000_000


def test_metadata_at_the_ends_of_their_types():
    values = {"day": [dt.date.min, dt.date(1969, 12, 31), dt.date(1970, 1, 1), dt.date.max],
              "time": [dt.datetime.min.replace(hour=1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1970, 1, 1, 0, 0, 0, 1), dt.datetime.max],
              "int": [-(2**63), -1, 0, 2**63 - 1], "float": [-math.inf, -0.0, 5e-324, math.inf]}
    rows = [{"text": "a"} | {name: column[i] for name, column in values.items()} for i in range(4)]
    with pm.index(rows, date="day") as idx:
        whole(idx)
        assert [idx.doc(str(i)) for i in range(4)] == [{"key": str(i), **row} for i, row in enumerate(rows)]
        assert idx.count("a", filter="day:<1970") == 2 and idx.count("a", filter="day:9999-12-31") == 1 and idx.count("a", filter="day:0001") == 1
        assert idx.count("a", filter="int:<0") == 2 and idx.count("a", filter="int:9223372036854775807") == 1
        assert idx.count("a", filter="float:>0") == 2
        assert [r.doc for r in idx.search("a", sort="newest")] == ["3", "2", "1", "0"]
        for name in values:
            assert sum(idx.hits("a").by(name).column("hits").tolist()) == 4 and idx.documents([name])._repr_html_() and repr(idx.documents([name]))
    with pm.index([{"text": "a", "x": math.nan}, {"text": "a", "x": 1.0}]) as idx:
        assert "x" not in idx.doc("0") and idx.doc("1")["x"] == 1.0
    for number in (2**63, -(2**63) - 1, 10**400):
        with pytest.raises(pm.SourceError, match="64 bits"):
            pm.index([{"text": "a", "n": number}])


# ---- queries ----


@pytest.fixture(scope="module")
def small():
    with pm.index([{"text": "a b c d e f " * 50 + "needle"}]) as idx:
        yield idx


def test_query_of_a_million_characters_is_a_limit_error(small):
    for query in ("a " * 500_000, "x" * 1_000_000, "(" * 1_000_000):
        for ask in (small.hits, small.count, small.search, pm.parse):
            with pytest.raises(pm.LimitError, match="query_length"):
                ask(query)
    with pytest.raises(pm.LimitError):
        small.phrase("a " * 500_000)


def test_ten_thousand_parentheses_are_a_limit_error(small):
    for query in ("(" * 10_000 + "a" + ")" * 10_000, "(" * 10_000, " W/50 ".join("a" * 1000)):
        for ask in (small.hits, small.count, pm.parse):
            with pytest.raises(pm.LimitError, match="depth"):
                ask(query)
    assert small.count("(" * 100 + "a" + ")" * 100) == 50


def test_chain_of_the_same_word_counts_or_reaches_the_limit_of_pairs(small):
    assert small.count("a W/6 a W/6 a") == 48
    before = pm.limits.pairs
    try:
        pm.limits.pairs = 100_000
        with pytest.raises(pm.LimitError, match="100,?000 pairs"):
            small.hits(" W/50 ".join("a" * 20))
    finally:
        pm.limits.pairs = before


def test_distance_beyond_the_largest_is_a_limit_error(small):
    for ask in (lambda n: small.hits(f"a W/{n} b"), lambda n: small.hits(f'"a b"~{n}'), lambda n: small.near("a", "b", within=n),
                lambda n: small.phrase("a b", slop=n), lambda n: small.phrase("a b", slop=n, ordered=False)):
        assert ask(1_000_000_000).count > 0
        for n in (1_000_000_001, 2**31, 2**32, 2**64, 10**30):
            with pytest.raises((pm.LimitError, ValueError), match="1,?000,?000,?000"):
                ask(n)


# ---- what is no index ----


@pytest.fixture
def path(tmp_path):
    pm.index([{"key": "a", "text": "a slap in the face"}, {"key": "b", "text": "no face"}], tmp_path / "i.pm").close()
    return tmp_path / "i.pm"


def test_paths_that_hold_no_index_say_what_was_expected(tmp_path, path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest").write_text('{"manifest": "of something else", "padding": "' + "x" * 500 + '"}')
    with pytest.raises(FileNotFoundError, match="none.pm"):
        pm.open(tmp_path / "none.pm")
    for name in ("file", "empty", "foreign"):
        with pytest.raises(pm.NotAnIndexError) as caught:
            pm.open(tmp_path / name)
        assert re.search("not a pressmark (file|index)|no pressmark index", str(caught.value)), str(caught.value)
        with pytest.raises(pm.NotAnIndexError):
            pm.index([{"text": "a"}], tmp_path / name, if_exists="replace")


def test_newer_and_older_formats_name_both_versions(path):
    data = bytearray((path / "manifest").read_bytes())
    for version in (2, 77, 2**32 - 1, 0):
        for at in (8, len(data) - 64 + 12):
            data[at : at + 4] = version.to_bytes(4, "little")
        (path / "manifest").write_bytes(data)
        with pytest.raises(pm.VersionError) as caught:
            pm.open(path)
        assert str(version) in str(caught.value).replace(",", "") and re.search(r"\b1\b", str(caught.value)), str(caught.value)


def test_cut_and_damaged_files_are_named(path, tmp_path):
    for name in sorted(p.name for p in path.iterdir()):
        data = (path / name).read_bytes()
        for what, damaged in (("empty", b""), ("cut", data[: len(data) // 2]), ("last byte", data[:-1]), ("longer", data + b"x"),
                              ("doubled", data + data), ("zeros", bytes(len(data)))):
            copy = tmp_path / "copy.pm"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy)
            (copy / name).write_bytes(damaged)
            with pytest.raises((pm.CorruptIndexError, pm.NotAnIndexError)) as caught, pm.open(copy) as idx:
                idx.verify()
            assert name in str(caught.value), (name, what, str(caught.value))


def test_file_that_is_missing_is_damage_and_named(path):
    (segment,) = [p for p in path.iterdir() if p.name != "manifest"]
    segment.unlink()
    with pytest.raises(pm.CorruptIndexError, match=segment.name):
        pm.open(path)


def test_damage_anywhere_is_found_by_verify_and_never_crashes_a_question(path, tmp_path):
    draw = random.Random(2020)
    names = sorted(p.name for p in path.iterdir())
    copy = tmp_path / "copy.pm"
    for _ in range(300):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(path, copy)
        name = draw.choice(names)
        data = bytearray((copy / name).read_bytes())
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        (copy / name).write_bytes(data)
        try:
            with pm.open(copy) as idx:
                for ask in (lambda: idx.hits("slap PRE/4 face").kwic(sort="1R").to_dicts(), lambda: idx.search("slap face").to_dicts(), idx.keys,
                            lambda: idx.words().to_dicts(), lambda: idx.tokens("a").to_dicts(), lambda: idx.doc("b"), idx.documents):
                    try:
                        ask()
                    except (pm.Error, KeyError, UnicodeError):
                        pass
                with pytest.raises(pm.CorruptIndexError):
                    idx.verify()
        except (pm.CorruptIndexError, pm.NotAnIndexError, pm.VersionError):
            pass


# ---- builds that fail ----


def failing(n=20):
    yield from ({"key": f"n{i}", "text": "new " * 1000} for i in range(n))
    raise RuntimeError("no more rows")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n", [0, 20, 12_000])
def test_source_that_raises_leaves_no_index_or_the_one_before(tmp_path, path, threads, n):
    rows = ({**row, "text": "new"} for row in failing(n))
    with pytest.raises(RuntimeError, match="no more rows"):
        pm.index(failing(n) if n < 100 else rows, tmp_path / "new.pm", threads=threads)
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    with pytest.raises(RuntimeError, match="no more rows"):
        pm.index(failing(n), path, threads=threads, if_exists="replace") if n < 100 else pm.index(failing(20), path, if_exists="replace")
    assert [p.name for p in tmp_path.iterdir()] == ["i.pm"] and {p.name: p.read_bytes() for p in path.iterdir()} == before


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_source_that_is_interrupted_leaves_the_index_before(tmp_path, path, raised):
    def rows():
        yield {"text": "new"}
        raise raised

    for target in (path, tmp_path / "new.pm"):
        with pytest.raises(raised):
            pm.index(rows(), target, if_exists="replace")
    assert [p.name for p in tmp_path.iterdir()] == ["i.pm"]
    with pm.open(path) as idx:
        assert idx.keys() == ["a", "b"]
        whole(idx)


def test_ctrl_c_while_an_index_is_replaced_leaves_the_one_before(tmp_path, path):
    script = textwrap.dedent("""
        import itertools, sys
        import pressmark as pm
        def rows():
            for i in itertools.count():
                if i == 3000:
                    print("going", flush=True)
                yield {"text": f"word{i} " * 300}
        try:
            pm.index(rows(), sys.argv[1], if_exists="replace")
        except KeyboardInterrupt:
            sys.exit(7)
    """)
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "going\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=30) == 7
    assert [p.name for p in tmp_path.iterdir()] == ["i.pm"]
    with pm.open(path) as idx:
        assert idx.keys() == ["a", "b"]


def test_build_killed_by_force_leaves_the_index_before_and_no_obstacle(tmp_path, path):
    script = textwrap.dedent("""
        import os, sys
        import pressmark as pm
        def rows():
            for i in range(2000):
                yield {"text": f"word{i} " * 300}
            os.kill(os.getpid(), 9)
        pm.index(rows(), sys.argv[1], if_exists="replace")
    """)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == -9, done.stderr
    with pm.open(path) as idx:
        assert idx.keys() == ["a", "b"]
    with pm.index([{"text": "third"}], path, if_exists="replace") as idx:
        assert whole(idx).count("third") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full") or not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file size here")
def test_disk_that_is_full_is_an_os_error_and_leaves_the_index_before(tmp_path, path):
    script = textwrap.dedent("""
        import resource, signal, sys
        import pressmark as pm
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            pm.index([{"text": " ".join(f"word{i * j}" for i in range(500))} for j in range(500)], sys.argv[1], if_exists="replace")
        except OSError as e:
            assert e.errno == 27 and ".run" in str(e), repr(e)
            sys.exit(7)
    """)
    for target in (path, tmp_path / "new.pm"):
        done = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 7, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["i.pm"]
    with pm.open(path) as idx:
        assert idx.keys() == ["a", "b"]


# ---- rows and arguments that are wrong ----


def test_skip_lists_each_row_with_its_reason():
    good = [{"key": f"g{i}", "text": "word", "n": i} for i in range(5)]
    bad = [{"key": "g0", "text": "again"}, {"key": "", "text": "no key"}, {"text": "no key at all"}, {"key": "x1", "text": 5},
           {"key": "x2", "text": "t", "n": "text"}, {"key": "x3", "text": "t", "n": {"nested": 1}}, {"key": "x4", "text": "t", "n": 2**64},
           {"key": ["list"], "text": "t"}, 5, None, "row"]
    rows = [x for pair in zip(bad, good + [{"key": f"h{i}", "text": "word", "n": 9} for i in range(6)]) for x in reversed(pair)]
    for threads in (1, 2):
        with pm.index(iter(rows), on_error="skip", threads=threads) as idx:
            whole(idx)
            assert [s.row for s in idx.skipped] == [i for i, row in enumerate(rows) if i % 2 == 1] and all(s.reason for s in idx.skipped)
            assert idx.keys() == [*(g["key"] for g in good), *(f"h{i}" for i in range(6))]
            assert [s.key for s in idx.skipped] == ["g0", None, None, "x1", "x2", "x3", "x4", None, None, None, None]
            assert any("11 rows were left out" in n for n in idx.notes)


def test_rows_that_are_all_bad_leave_an_empty_index():
    with pm.index([{"key": "a", "text": "x"}, {"key": "a", "text": "y"}, {"key": None, "text": "z"}], on_error="skip") as idx:
        assert idx.keys() == ["a"] and len(idx.skipped) == 2
    with pm.index(iter([5, 6]), on_error="skip", text="text") as idx:
        assert len(whole(idx)) == 0 and len(idx.skipped) == 2


@pytest.mark.parametrize("call", [
    lambda idx: idx.hits(5), lambda idx: idx.hits(None), lambda idx: idx.count(5), lambda idx: idx.count([5]),
    lambda idx: idx.search(None), lambda idx: idx.search("a", k="5"), lambda idx: idx.search("a", k=2.5), lambda idx: idx.phrase(None),
    lambda idx: idx.near("a", 5, within=2), lambda idx: idx.near("a", "b", within="2"), lambda idx: idx.near("a", None, within=2),
    lambda idx: idx.text(0), lambda idx: idx.text(None), lambda idx: idx.doc(b"0"), lambda idx: idx.tokens(1.5), lambda idx: idx.hits("a", filter=5),
    lambda idx: idx.hits("a", filter=[0]), lambda idx: idx.hits("a", columns=[5]).to_dicts(), lambda idx: idx.hits("a").sample("x", 1), lambda idx: idx.hits("a")[1.5],
    lambda idx: idx.hits("a").kwic(width="wide"), lambda idx: idx.hits("a").by(5), lambda idx: idx.words(5), lambda idx: idx.search("a", weights={"text": "x"}),
    lambda idx: pm.parse(5), lambda idx: pm.tokenize(5), lambda idx: pm.open(5.5), lambda idx: pm.index(["a.txt", 5])])
def test_values_of_a_wrong_type_are_type_errors(small, call):
    with pytest.raises((TypeError, ValueError, KeyError)) as caught:
        call(small)
    assert str(caught.value) and not isinstance(caught.value, UnicodeError)
