"""Writing to an index from Python: what a session does, and the generations that it leaves."""

import gc
import json
import os
import pickle
import time
from importlib.resources import files

import pytest

pm = pytest.importorskip("pressmark")
from living import MORE, ROWS, answers, faults  # noqa: E402
from pressmark import cli  # noqa: E402


@pytest.fixture
def idx(tmp_path):
    with pm.index(ROWS, tmp_path / "i.pm") as made:
        yield made


def row(key, /, **changes):
    return {**next(r for r in ROWS + MORE if r["key"] == key), **changes}


# ---- a session ----


def test_add_update_delete_are_published_together(idx):
    before = answers(idx, ["missile"], [])
    with idx.writer() as w:
        assert w.add(MORE) == 2 and w.update(row("001", text="corrected base")) == 1 and w.delete("000") == 1
        assert idx.refresh().generation == 1 and w.generation == 1
        assert w.commit() == 2 == w.generation
    assert idx.generation == 1 and answers(idx, ["missile"], []) == before
    made = idx.refresh()
    assert type(made) is type(idx) and made.generation == 2 and made.path == idx.path
    assert made.keys() == ["002", "003", "004", "005", "001"]
    assert faults(made, [ROWS[2], ROWS[3], *MORE, row("001", text="corrected base")]) == []
    made.verify()


def test_leaving_the_block_commits(idx):
    with idx.writer() as w:
        w.add(MORE)
    assert faults(idx.refresh(), ROWS + MORE) == [] and w.generation == 2
    with pytest.raises(pm.ClosedError):
        w.add(MORE)
    w.close()


def test_leaving_by_an_exception_rolls_back(idx):
    names = sorted(os.listdir(idx.path))
    with pytest.raises(ZeroDivisionError):
        with idx.writer() as w:
            w.add(MORE)
            w.delete("000")
            1 / 0  # noqa: B018
    assert idx.refresh().generation == 1 and set(os.listdir(idx.path)) - {"lock"} == set(names) - {"lock"}


def test_rows_of_a_generator_that_raises_are_rolled_back(idx):
    def rows():
        yield MORE[0]
        raise OSError("the wire broke")

    with pytest.raises(OSError, match="the wire broke"):
        with idx.writer() as w:
            w.add(rows())
    assert len(idx.refresh()) == 4 and idx.refresh().generation == 1


def test_session_goes_on_after_an_error_with_the_rows_before_it(idx):
    def rows():
        yield MORE[0]
        raise OSError("the wire broke")

    with idx.writer() as w:
        with pytest.raises(OSError, match="the wire broke"):
            w.add(rows())
        with pytest.raises(pm.SourceError) as caught:
            w.add([MORE[1], row("000", key="006", words="many"), row("000", key="007")])
        assert caught.value.row == 1 and caught.value.key == "006" and "words" in caught.value.reason
        with pytest.raises(pm.SourceError, match="not a dict"):
            w.add([3])
        with pytest.raises(TypeError):
            w.add(3)
    assert idx.refresh().keys() == ["000", "001", "002", "003", "004", "005"]
    assert faults(idx.refresh(), ROWS + MORE) == []


def test_commit_goes_on_with_the_session(idx):
    with idx.writer() as w:
        for i in range(20):
            w.add({"key": f"n{i}", "text": f"missile number n{i}", "outlet": "Hill"})
            assert w.commit() == i + 2
    rows = ROWS + [{"key": f"n{i}", "text": f"missile number n{i}", "outlet": "Hill"} for i in range(20)]
    made = idx.refresh()
    assert faults(made, rows) == [] and made.info()["segments"] < 16


def test_commit_of_nothing_makes_no_generation(idx):
    with idx.writer() as w:
        assert w.commit() == 1 and w.add([]) == 0 and w.delete("none") == 0 and w.commit() == 1
    assert idx.refresh().generation == 1


def test_rollback_forgets_back_to_the_last_commit(idx):
    with idx.writer() as w:
        w.add(MORE[0])
        w.commit()
        w.add({**MORE[1], "colour": "red"})
        w.delete("000", "004")
        w.rollback()
        assert w.add({**MORE[1], "colour": 3}) == 1
    made = idx.refresh()
    assert faults(made, ROWS + [MORE[0], {**MORE[1], "colour": 3}]) == [] and made.generation == 3


def test_rows_come_from_whatever_an_index_is_built_of(idx, tmp_path):
    pandas, pyarrow, polars = map(pytest.importorskip, ("pandas", "pyarrow", "polars"))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row("004", key=f"j{i}")) + "\n" for i in range(2)))
    (tmp_path / "a.csv").write_text("key,title,text,words,outlet\nc0,t,missile csv,12,7\nc1,t,base csv,,8\n")
    (tmp_path / "note.txt").write_text("a text file of its own")
    sources = [MORE[0], iter([MORE[1]]), pandas.DataFrame([row("004", key="p")]), polars.DataFrame([row("004", key="q")]),
               pyarrow.Table.from_pylist([row("004", key="r")]), tmp_path / "a.jsonl", str(tmp_path / "*.csv"), [tmp_path / "note.txt"]]
    with idx.writer() as w:
        assert [w.add(s) for s in sources] == [1, 1, 1, 1, 1, 2, 2, 1]
    made = idx.refresh()
    assert made.keys()[4:] == ["004", "005", "p", "q", "r", "j0", "j1", "c0", "c1", "note"]
    assert made.doc("c0")["words"] == 12 and made.doc("c0")["outlet"] == "7"  # text in the index stays text
    rows = ROWS + MORE + [row("004", key=k) for k in ("p", "q", "r", "j0", "j1")]
    rows += [{"key": "c0", "title": "t", "text": "missile csv", "words": 12, "outlet": "7"},
             {"key": "c1", "title": "t", "text": "base csv", "outlet": "8"}, {"key": "note", "text": "a text file of its own"}]
    assert faults(made, rows) == []


def test_many_rows_go_in_by_batches(idx):
    rows = [{"key": f"k{i}", "text": f"missile {i} " + "base " * (i % 50), "words": i} for i in range(12000)]
    said = []
    with idx.writer(progress=lambda done, total: said.append((done, total)), threads=2, memory="64MB") as w:
        assert w.add(rows) == 12000
        with pytest.raises(pm.DuplicateKeyError) as caught:
            w.add({**r, "key": r["key"] + "b" if i < 7000 else r["key"]} for i, r in enumerate(rows))
        assert caught.value.row == 7000 and caught.value.key == "k7000"
    made = idx.refresh()
    assert len(made) == 4 + 12000 + 7000 and made.count("missile", unit="documents") == 3 + 19000
    assert said[-1][0] >= 7000 and (12000, 12000) in said


# ---- updates ----


def test_update_moves_a_document_to_the_end_and_replaces_all_of_it(idx):
    with idx.writer() as w:
        assert w.update([{"key": "001", "text": "only text"}, MORE[0]]) == 2
    made = idx.refresh()
    assert made.keys() == ["000", "002", "003", "001", "004"]
    assert made.doc("001") == {"key": "001", "title": "", "text": "only text"}
    assert faults(made, [ROWS[0], ROWS[2], ROWS[3], {"key": "001", "text": "only text"}, MORE[0]]) == []


def test_last_update_of_a_key_stays(idx):
    with idx.writer() as w:
        assert w.update([row("001", text=f"version {i}") for i in range(3)]) == 3
        w.update(row("001", text="version 3"))
    assert idx.refresh().text("001", "text") == "version 3" and idx.refresh().keys() == ["000", "002", "003", "001"]


def test_row_as_doc_gives_it_can_be_put_back(tmp_path):
    rows = [{"id": 7, "day": "2020-01-08", "title": "t", "text": "x", "n": 1, "tags": ["a", "b"]}, {"id": 8, "text": "y"}]
    with pm.index(rows, tmp_path / "i.pm", key="id", date="day") as idx:
        with idx.writer() as w:
            said = idx.doc("7")
            w.update({**said, "text": "z"})
        assert idx.refresh().doc("7") == {**said, "text": "z"} and idx.refresh().keys() == ["8", "7"]
        assert [c["name"] for c in idx.refresh().info()["columns"]] == [c["name"] for c in idx.info()["columns"]]


# ---- deletes ----


def test_delete_counts_what_was_there_and_names_the_rest(idx):
    with idx.writer() as w:
        assert w.delete("001", "nope", "001", "003", "no", "non", "nil") == 2 and w.delete("001") == 0
        assert w.notes == ["5 keys to delete were not there: 'nope', 'no', 'non', ..."]
    assert faults(idx.refresh(), [ROWS[0], ROWS[2]]) == []
    info = idx.refresh().info()
    assert info["bytes"] == sum(os.path.getsize(os.path.join(idx.path, n)) for n in info["files"])
    assert [n[-4:] for n in info["files"]] == ([".seg", ".del"] if info["deleted"] else [".seg"])
    assert info["documents"] == 2 and info["deleted"] in (0, 2) and info["tokens"] == idx.refresh().n_tokens


def test_delete_sees_what_the_session_added(idx):
    with idx.writer() as w:
        w.add(MORE)
        assert w.delete("004") == 1 and w.delete("004") == 0
        w.add(row("004", text="again"))
    assert faults(idx.refresh(), ROWS + [MORE[1], row("004", text="again")]) == []


def test_delete_by_filter_sees_what_the_session_added_and_updated(idx):
    with idx.writer() as w:
        w.add(MORE)
        w.update(row("001", outlet="Post"))
        assert w.delete(filter="outlet:hill") == 2  # 002 and 004
        w.add(row("002", key="006"))
        assert w.delete("000", filter='outlet:"hill" OR date:2020-03') == 2
        assert w.delete(filter=["005", "none"]) == 1
        assert w.delete(filter="outlet:hill") == 0
    assert faults(idx.refresh(), [ROWS[3], row("001", outlet="Post")]) == []


def test_delete_by_filter_of_a_column_that_the_session_brought(idx):
    with idx.writer() as w:
        w.add([{**MORE[0], "colour": "red"}, {**MORE[1], "colour": "blue"}])
        assert w.delete(filter="colour:red") == 1
    assert faults(idx.refresh(), [*ROWS, {**MORE[1], "colour": "blue"}]) == []


def test_delete_of_all_leaves_an_empty_index_that_takes_rows(idx):
    with idx.writer() as w:
        assert w.delete(*idx.keys()) == 4
    made = idx.refresh()
    assert faults(made, []) == [] and made.fields == ["title", "text"]
    with made.writer() as w:
        w.add(ROWS[::-1])
    assert faults(made.refresh(), ROWS[::-1]) == []
    with made.optimize() as one:
        assert faults(one, ROWS[::-1]) == []


@pytest.mark.parametrize(("filter", "error"), [("outlt:hill", pm.UnknownFieldError), ("outlet:(hill", pm.QuerySyntaxError)])
def test_wrong_filter_is_an_error_with_its_place_and_the_session_goes_on(idx, filter, error):
    with idx.writer() as w:
        with pytest.raises(error) as caught:
            w.delete(filter=filter)
        assert caught.value.query == filter and caught.value.pos is not None
        with pytest.raises(TypeError, match=r"delete\(\*keys\)"):
            w.delete(["000"])
        with pytest.raises(TypeError):
            w.delete(7)
        w.add(MORE)
    assert faults(idx.refresh(), ROWS + MORE) == []


# ---- keys and columns ----


def test_duplicate_keys_are_named_and_the_rows_before_stay(idx):
    with idx.writer() as w:
        for rows, at in (([MORE[0], row("002"), row("000", key="n")], 1), ([row("005"), row("005")], 1)):
            with pytest.raises(pm.DuplicateKeyError) as caught:
                w.add(rows)
            assert (caught.value.row, caught.value.key) == (at, rows[at]["key"]) and "update" in caught.value.reason
        w.delete("002")
        assert w.add(row("002")) == 1
    assert faults(idx.refresh(), [ROWS[0], ROWS[1], ROWS[3], *MORE, ROWS[2]]) == []


def test_new_column_is_none_for_older_documents(idx):
    with idx.writer() as w:
        w.add({**MORE[0], "colour": "red", "size": 3})
    with idx.refresh().writer() as w:
        w.add({**MORE[1], "colour": "blue", "size": 3.5})
    made = idx.refresh()
    assert made.documents(["colour", "size"]).column("colour").tolist() == [None] * 4 + ["red", "blue"]
    assert made.documents(["size"]).column("size").tolist() == [None] * 4 + [3, 3.5]
    assert made.count("missile", filter="colour:red") == 1 and made.count("missile OR slap", filter="size:>3.2") == 1
    assert faults(made, [*ROWS, {**MORE[0], "colour": "red", "size": 3}, {**MORE[1], "colour": "blue", "size": 3.5}]) == []


def test_column_keeps_its_kind(idx):
    with idx.writer() as w:
        with pytest.raises(pm.SourceError, match="column 'words' holds str here and int in the index"):
            w.add(row("004", words="many"))
        with pytest.raises(pm.SourceError, match="column 'outlet' holds int here and str in the index"):
            w.add(row("004", outlet=3))
        w.add({**MORE[0], "colour": "red"})
        with pytest.raises(pm.SourceError, match="column 'colour'"):
            w.add({**MORE[1], "colour": 1.5})
        w.add(MORE[1])
    assert faults(idx.refresh(), [*ROWS, {**MORE[0], "colour": "red"}, MORE[1]]) == []


def test_index_without_keys_goes_on_counting(tmp_path):
    with pm.index([{"text": f"t{i}"} for i in range(12)], tmp_path / "i.pm") as idx:
        with idx.writer() as w:
            assert w.add([{"text": "next"}, {"text": "named", "key": "twenty"}, {"text": "n", "key": "20"}, {"text": "after"}]) == 4
            w.delete("3")
            w.update({"key": "5", "text": "corrected"})
            with pytest.raises(pm.SourceError, match="no key"):
                w.update({"text": "whose?"})
            w.add({"text": "more"})
        made = idx.refresh()
        assert made.keys() == ["0", "1", "2", "4", "6", "7", "8", "9", "10", "11", "12", "twenty", "20", "21", "5", "22"]
        with made.writer() as w:
            w.add({"text": "again"})
            w.rollback()
            w.add({"text": "again"})
        assert made.refresh().keys()[-1] == "23" and made.refresh().doc("23") == {"key": "23", "text": "again"}


def test_fields_say_which_columns_come_in(idx):
    with idx.writer(fields=["words"]) as w:
        w.add(MORE)
    assert idx.refresh().doc("004") == {"key": "004", "date": idx.refresh().doc("004")["date"], "words": 5, "title": "More",
                                        "text": MORE[0]["text"]}
    with pytest.raises(TypeError):
        idx.writer(fields="words")
    idx.writer().close()  # the lock was not kept


def test_notes_say_what_is_missing(idx):
    with idx.writer() as w:
        w.add({"key": "e", "txt": "typed wrong"})
        w.add({"key": "f", "text": "lone \udc80 surrogate", "date": "no day"})
        w.commit()
        assert sorted(n.split(" (")[0] for n in w.notes) == [
            "1 article with a date that could not be read, now without", "1 article without a date", "1 article without text",
            "1 invalid characters became U+FFFD"]
        assert all(n in repr(w) for n in w.notes)


# ---- kinds of index ----


def test_temporary_index_is_written_to_and_lives_as_long_as_its_readers():
    idx = pm.index(ROWS)
    folder = os.path.dirname(idx.path)
    with idx.writer() as w:
        w.add(MORE)
    idx = idx.refresh()
    gc.collect()
    assert faults(idx, ROWS + MORE) == []
    w = idx.writer()
    idx.close()
    assert os.path.isdir(folder)
    w.close()
    assert not os.path.exists(folder)


def test_index_without_text_is_written_to(tmp_path):
    with pm.index(ROWS, tmp_path / "i.pm", store=False) as idx:
        with idx.writer() as w:
            w.add(MORE)
            w.delete(filter="outlet:hill")
        made = idx.refresh()
        assert faults(made, [ROWS[0], ROWS[3], MORE[1]], store=False) == []
        with made.optimize() as one:
            assert faults(one, [ROWS[0], ROWS[3], MORE[1]], store=False) == [] and not one.info()["text_stored"]


@pytest.mark.parametrize("lang", ["russian", "none", "turkish"])
def test_index_keeps_its_language(tmp_path, lang):
    with pm.index(ROWS, tmp_path / "i.pm", lang=lang) as idx:
        with idx.writer() as w:
            w.add([{"key": "r", "text": "ракеты ракета ракетами IRAK ırak"}])
        assert faults(idx.refresh(), [*ROWS, {"key": "r", "text": "ракеты ракета ракетами IRAK ırak"}], ["ракета", "ırak", "missile"],
                      lang=lang) == []


def test_sample_articles_day_by_day(tmp_path):
    source = files("pressmark") / "sample" / "articles.jsonl"
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    queries = ['"throat of world trade"', "seized W/5s ship", "US", "Evremont", "insurers price of the passage", "*sail*"]
    with pm.index(rows[:1], tmp_path / "i.pm") as idx:
        for r in rows[1:]:
            with idx.writer() as w:
                w.add(r)
        living = idx.refresh()
        assert faults(living, rows, queries) == [] and len(living.info()["generations"]) >= 3
        with living.writer() as w:
            assert w.delete(filter='outlet:"the ledger"') == 1
            w.update({**living.doc(rows[0]["key"]), "title": "Corrected"})
        kept = [r for r in rows[1:] if r["outlet"] != "The Ledger"] + [{**rows[0], "title": "Corrected"}]
        corrected = living.refresh()
        assert faults(corrected, kept, queries) == []
        before = answers(corrected, queries, ["outlet"])
        with corrected.optimize() as one:
            assert answers(one, queries, ["outlet"]) == before and one.info()["segments"] == 1 and one.info()["deleted"] == 0
            one.verify()


# ---- generations ----


def test_optimize_gives_one_segment_and_the_same_answers(idx):
    for i in range(3):
        with idx.writer() as w:
            w.add({"key": f"n{i}", "text": f"missile base slap {i}", "outlet": "Hill"})
            w.delete(f"00{i}")
    before = idx.refresh()
    rows = [ROWS[3], *({"key": f"n{i}", "text": f"missile base slap {i}", "outlet": "Hill"} for i in range(3))]
    assert before.generation == 4 and faults(before, rows) == []
    after = before.optimize(threads=1, memory="64MB")
    assert type(after) is type(idx) and after.generation == 5 and faults(after, rows) == []
    info = after.info()
    assert info["segments"] == 1 and info["deleted"] == 0
    again = after.optimize()
    assert again.generation == 5
    again.verify()
    assert faults(after.optimize(restem=True), rows) == []


def test_retained_generations_are_listed_and_opened(idx):
    for r in MORE:
        with idx.writer() as w:
            w.add(r)
    made = idx.refresh()
    assert [g["generation"] for g in made.info()["generations"]] == [1, 2, 3]
    assert all(g["published"].endswith("Z") for g in made.info()["generations"])
    for n in (1, 2, 3):
        with pm.open(idx.path, generation=n) as old:
            assert old.generation == n and faults(old, ROWS + MORE[: n - 1]) == []
            assert old.refresh().generation == 3 and pickle.loads(pickle.dumps(old)).generation == n
    with pytest.raises(pm.GenerationGoneError) as caught:
        pm.open(idx.path, generation=7)
    assert caught.value.newest == 3


def test_generation_that_has_gone_names_the_newest(tmp_path):
    with pm.index(ROWS, tmp_path / "i.pm", retain=1) as idx:
        data, before = pickle.dumps(idx), answers(idx, ["missile"], ["outlet"])
        long_ago = time.time() - 7200
        os.utime(tmp_path / "i.pm" / "manifest", (long_ago, long_ago))  # when a build was published
        with idx.writer() as w:
            w.update(ROWS)
        assert answers(idx, ["missile"], ["outlet"]) == before  # held open
        with pytest.raises(pm.GenerationGoneError) as caught:
            pickle.loads(data)
        assert caught.value.newest == 2 and "2" in str(caught.value) and isinstance(caught.value, LookupError)
        assert [g["generation"] for g in idx.refresh().info()["generations"]] == [2]


def test_verify_reads_every_retained_generation(idx):
    with idx.writer() as w:
        w.update(ROWS)
    made = idx.refresh()
    made.verify()
    on_disk = {n: os.path.getsize(os.path.join(idx.path, n)) for n in os.listdir(idx.path)}
    assert made.info()["files"].items() <= on_disk.items() and made.info()["bytes"] == sum(made.info()["files"].values())
    old = set(idx.info()["files"]) - set(made.info()["files"])
    assert len(old) == 1
    path = os.path.join(idx.path, *old)
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    with pytest.raises(pm.CorruptIndexError, match=min(old)):
        made.verify()


def test_command_line_optimizes_and_shows_generations(idx, capsys):
    with idx.writer() as w:
        w.delete("000")
    assert cli.main(["optimize", idx.path]) == 0 and "generation 3" in capsys.readouterr().out
    assert cli.main(["optimize", idx.path, "--restem", "--quiet", "--threads", "1", "--memory", "64MB"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["info", idx.path]) == 0
    shown = capsys.readouterr().out
    assert "generations" in shown and "1 (20" in shown and "deleted" in shown
    assert cli.main(["info", idx.path, "--json"]) == 0
    assert [g["generation"] for g in json.loads(capsys.readouterr().out)["generations"]][:3] == [1, 2, 3]
    with idx.refresh().writer() as w:
        for i in range(6):
            w.add({"key": f"n{i}", "text": "one more"})
            w.commit()
    assert cli.main(["info", idx.path]) == 0 and "4 before, 5 (20" in capsys.readouterr().out
    with idx.writer():
        assert cli.main(["optimize", idx.path, "--timeout", "0"]) == 2
    assert capsys.readouterr().err.startswith("pressmark: ")


# ---- closed ----


def test_closed_index_opens_no_writer(tmp_path):
    idx = pm.index(ROWS, tmp_path / "i.pm")
    idx.close()
    for call in (idx.writer, idx.refresh, idx.optimize):
        with pytest.raises(pm.ClosedError):
            call()
    with pytest.raises(pm.ClosedError):
        with pm.open(tmp_path / "i.pm").writer() as w:
            w.close()
            w.commit()


def test_errors_of_writing_pickle_with_what_they_know():
    for e in (pm.LockedError("m", "h", 7, "host"), pm.GenerationGoneError("m", "h", 3), pm.VersionError("m", "f", None, "restem")):
        again = pickle.loads(pickle.dumps(e))
        assert type(again) is type(e) and str(again) == str(e) and vars(again) == vars(e)
