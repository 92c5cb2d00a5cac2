"""What went wrong when someone tried to break writing: each test is one finding."""

import gc
import os
import threading

import pytest

pm = pytest.importorskip("pressmark")


@pytest.fixture
def idx(tmp_path):
    with pm.index([{"key": "a", "text": "missile base", "n": 1}, {"key": "b", "text": "slap face", "n": 2}], tmp_path / "i.pm") as made:
        yield made


def test_failed_session_was_said_to_be_the_fault_of_a_row(idx):
    with idx.writer() as w:
        w.add({"key": "c", "text": "x"})
        os.mkdir(os.path.join(idx.path, "manifest.new"))
        with pytest.raises(FileExistsError):
            w.commit()
        for call in (w.add, w.update):
            with pytest.raises(ValueError, match="^this writer has failed; roll it back first$") as caught:
                call({"key": "d", "text": "x"})
            assert not isinstance(caught.value, pm.SourceError)
        os.rmdir(os.path.join(idx.path, "manifest.new"))
        w.rollback()
        w.add({"key": "d", "text": "x"})
    assert idx.refresh().keys() == ["a", "b", "d"]


def test_index_that_was_moved_was_said_to_be_the_fault_of_a_row(idx, tmp_path):
    with pytest.raises(ValueError, match="was replaced or removed while it was written to") as caught:
        with idx.writer() as w:
            os.rename(idx.path, tmp_path / "moved")
            w.add({"key": "c", "text": "x"})
    assert not isinstance(caught.value, pm.SourceError)
    assert pm.open(tmp_path / "moved").keys() == ["a", "b"]


def test_source_that_closed_its_writer_ended_the_session_in_mid_call(idx):
    def rows():
        yield {"key": "c", "text": "x"}
        w.close()

    with idx.writer() as w:
        with pytest.raises(RuntimeError, match="in use"):
            w.add(rows())
        assert w.commit() == 2
    assert idx.refresh().keys() == ["a", "b", "c"]


def test_leaving_the_block_while_a_thread_adds_leaves_its_call_alone(idx):
    under_way, go_on, said = threading.Event(), threading.Event(), []

    def rows():
        yield {"key": "c", "text": "x"}
        under_way.set()
        assert go_on.wait(60)
        yield {"key": "d", "text": "x"}

    w = idx.writer()
    thread = threading.Thread(target=lambda: said.append(w.add(rows())))
    thread.start()
    assert under_way.wait(60)
    try:
        with pytest.raises(RuntimeError, match="in use"):
            with w:
                pass
    finally:
        go_on.set()
        thread.join()
    assert said == [2] and w.commit() == 2
    w.close()


def test_numbers_beyond_64_bits_became_others(idx):
    for number in (1 << 64, (1 << 64) + 1, 1 << 70):
        with pytest.raises(pm.GenerationGoneError, match="the newest is 1"):
            pm.open(idx.path, generation=number)
    with idx.writer(memory=(1 << 64) * 8 // 7 + 8, threads=1 << 32) as w:
        w.add({"key": "c", "text": "x"})
    assert len(pm.index([{"text": "x"}], memory="99999999999TB", threads=(1 << 32) + 1)) == 1


@pytest.mark.parametrize("memory", [1e9, None, b"1GB"])
def test_memory_of_another_type_says_what_it_is(idx, memory):
    for call in (idx.writer, idx.optimize, lambda memory: pm.index([{"text": "x"}], memory=memory)):
        with pytest.raises(TypeError, match="memory is a size like '1GB' or a whole number of bytes"):
            call(memory=memory)


def test_filter_of_another_type_says_what_it_is(idx):
    with idx.writer() as w, pytest.raises(TypeError, match="a filter is a query of metadata or a list of keys, not int"):
        w.delete(filter=3)


def test_path_of_bytes_stayed_bytes(idx):
    assert pm.open(os.fsencode(idx.path)).path == idx.path


def test_long_keys_filled_messages_and_notes(idx):
    key = "é" * 40000
    with idx.writer() as w:
        w.delete(key)
        assert w.notes == [f"1 key to delete was not there: '{'é' * 100}…'"]
        w.add({"key": "k" * 65535, "text": "x"})
        with pytest.raises(pm.DuplicateKeyError) as caught:
            w.add({"key": "k" * 65535, "text": "x"})
        assert caught.value.key == "k" * 65535 and len(str(caught.value)) < 300


def test_numbers_of_thousands_of_digits_are_errors_of_their_row(idx):
    with idx.writer() as w:
        for row in ({"key": 10**5000, "text": "x"}, {"key": "c", "text": "x", "n": 10**5000}):
            with pytest.raises(pm.SourceError, match="a number of 16,610 bits") as caught:
                w.add([{"key": f"before {len(row)}", "text": "x"}, row])
            assert caught.value.row == 1
    assert idx.refresh().keys() == ["a", "b", "before 2", "before 3"]


def test_numbering_that_came_to_its_end_gave_duplicates(tmp_path):
    idx = pm.index([{"text": "x"}], tmp_path / "i.pm")
    with idx.writer() as w:
        w.add({"key": 10**18 - 2, "text": "x"})
        w.add({"text": "the last"})
        with pytest.raises(pm.SourceError, match="name the document by a column 'key'"):
            w.add({"text": "x"})
    idx = idx.refresh()
    with idx.writer() as w:
        with pytest.raises(pm.SourceError, match="name the document by a column 'key'"):
            w.add({"text": "x"})
        w.add({"key": "named", "text": "x"})
    assert idx.refresh().keys() == ["0", str(10**18 - 2), str(10**18 - 1), "named"]


def test_texts_dates_and_keys_that_come_too_late_were_metadata_without_a_word(tmp_path):
    row = {"id": "x", "date": "2020-01-08", "title": "T", "text": "t", "outlet": "Hill"}
    idx = pm.index([], tmp_path / "i.pm")
    with idx.writer() as w:
        w.add(row)
        w.commit()
        w.update({**row, "key": "0"})
        assert w.notes == ["column 'date' is metadata, not the date: this index was built without",
                           "column 'id' is metadata, not the key: this index counts its documents",
                           "column 'title' is metadata, not a text: those of this index are text"]
    with idx.refresh().writer() as w:
        w.add({**row, "published": "2020-01-08"})
        assert w.notes == ["column 'published' is metadata, not the date: this index was built without"]
    idx = pm.index([row], tmp_path / "j.pm", text="text", key="outlet", date="date")
    with idx.writer() as w:
        w.add({**row, "outlet": "Mirror", "published": "2020-01-08", "key": 3})
        assert w.notes == []


@pytest.mark.parametrize("row", [{"key": "a", "text": "x"}, {"key": "c", "text": 3}, {"text": "x"}])
def test_error_of_a_row_kept_its_writer_and_with_it_the_lock(idx, row):
    gc.collect()
    gc.disable()
    try:
        w = idx.writer()
        with pytest.raises(pm.SourceError) as caught:
            w.add(row)
        del w, caught
        idx.writer(timeout=0).close()
    finally:
        gc.enable()
