/* Writers: random sessions against a model that is built from scratch, and what each
 * call promises. Files stand in a fresh directory under $TMPDIR. */
#include <pthread.h>
#include <sys/wait.h>

#include "writer_model.h"

static char root[512];
static uint32_t seed_state;

static const char *path_of(char out[1024], const char *name) {
    snprintf(out, 1024, "%s/%s", root, name);
    return out;
}

static uint32_t random_below(uint32_t n) {
    return corpus_random(&seed_state) % n;
}

static void ok(pm_status status, const pm_error *err) {
    if (status != PM_OK) {
        fprintf(stderr, "%d: %s\n", status, err->message);
        exit(1);
    }
}

static pm_writer_options writer_options(uint32_t segment_tokens) {
    return (pm_writer_options){.timeout_s = 0,
                               .memory_bytes = 64 << 20,
                               .threads = 1,
                               .segment_tokens = segment_tokens};
}

static pm_writer *open_writer(const char *path, uint32_t segment_tokens) {
    const pm_writer_options o = writer_options(segment_tokens);
    pm_writer *w;
    pm_error err;
    ok(pm_writer_new(path, &o, NULL, &w, &err), &err);
    return w;
}

/* ---- random sessions ---- */

enum { MOST_HELD = 4 };

typedef struct held { /* a reader of an old generation, and what it said then */
    pm_index *idx;
    pm_buf said;
} held;

typedef struct play {
    char path[1024], scratch[1024];
    uint32_t segment_tokens;
    pm_writer *w;
    bool declared; /* the session knows its columns */
    model now, committed;
    uint32_t next_key;
    uint64_t generation;
    model_row row;
    pm_buf a, b;
    held readers[MOST_HELD];
    size_t n_held;
    uint32_t n_commits, n_optimized;
} play;

/* The index at the path says what one build of the committed rows says. */
static void check_committed(play *p) {
    pm_error err;
    ok(dump_path(&p->a, p->path, &err), &err);
    ok(model_build(&p->committed, p->scratch, 0, &err), &err);
    ok(dump_path(&p->b, p->scratch, &err), &err);
    if (!same_text(&p->a, &p->b)) {
        size_t i = 0;
        while (p->a.p[i] == p->b.p[i]) {
            i++;
        }
        i = i > 200 ? i - 200 : 0;
        fprintf(stderr,
                "generation %" PRIu64 " says at byte %zu:\n%.400s\n-- not:\n%.400s\n",
                p->generation, i, (char *)p->a.p + i, (char *)p->b.p + i);
        exit(1);
    }
}

static void check_readers(play *p) {
    pm_error err;
    for (size_t i = 0; i < p->n_held; i++) {
        ok(dump_index(&p->a, p->readers[i].idx, &err), &err);
        CHECK(same_text(&p->a, &p->readers[i].said));
    }
}

static void hold_reader(play *p) {
    pm_error err;
    if (p->n_held == MOST_HELD) {
        held *h = &p->readers[0];
        check_readers(p);
        pm_index_unref(h->idx);
        pm_buf_release(&h->said);
        memmove(h, h + 1, --p->n_held * sizeof *h);
    }
    held *h = &p->readers[p->n_held++];
    pm_buf_init(&h->said);
    ok(pm_index_open(p->path, 0, PM_OPEN_AUTO, &h->idx, &err), &err);
    ok(dump_index(&h->said, h->idx, &err), &err);
}

static model_id fresh_id(play *p) {
    return (model_id){p->next_key++, corpus_random(&seed_state)};
}

/* A key that the session has, or one that it has not. */
static model_id some_id(play *p) {
    model_id id = fresh_id(p);
    if (p->now.n > 0 && random_below(4) != 0) {
        id.key = p->now.at[random_below((uint32_t)p->now.n)].key;
    }
    return id;
}

static void declare(play *p) {
    pm_error err;
    if (!p->declared) {
        ok(model_columns(p->w, &err), &err);
        p->declared = true;
    }
}

static void step_add(play *p) {
    pm_error err;
    declare(p);
    for (uint32_t n = random_below(20); n > 0 && p->now.n < MODEL_ROWS; n--) {
        const model_id id = fresh_id(p);
        size_t added;
        model_fill(&p->row, id);
        ok(pm_writer_add(p->w, PM_WRITE_ADD, &p->row.row, 1, &added, NULL, &err), &err);
        CHECK(added == 1);
        model_put(&p->now, id);
    }
}

static void step_add_what_exists(play *p) {
    pm_error err;
    declare(p);
    if (p->now.n > 0) {
        const model_id id = {p->now.at[random_below((uint32_t)p->now.n)].key, 1};
        size_t added;
        model_fill(&p->row, id);
        CHECK(pm_writer_add(p->w, PM_WRITE_ADD, &p->row.row, 1, &added, NULL, &err) ==
              PM_DUPLICATE);
        CHECK(added == 0 && strstr(err.message, p->row.key) != NULL);
    }
}

static void step_update(play *p) {
    pm_error err;
    declare(p);
    for (uint32_t n = random_below(12); n > 0 && p->now.n < MODEL_ROWS; n--) {
        const model_id id = some_id(p);
        size_t added;
        model_fill(&p->row, id);
        ok(pm_writer_add(p->w, PM_WRITE_UPDATE, &p->row.row, 1, &added, NULL, &err),
           &err);
        model_put(&p->now, id);
    }
}

static void step_delete(play *p) {
    pm_error err;
    for (uint32_t n = random_below(p->now.n > 400 ? 60 : 12); n > 0; n--) {
        const model_id id = some_id(p);
        const size_t i = model_find(&p->now, id.key);
        bool found;
        size_t n_deleted;
        model_fill(&p->row, id);
        ok(pm_writer_delete(p->w, &p->row.row.key, 1, &found, &n_deleted, NULL, &err),
           &err);
        CHECK(found == (i < p->now.n) && n_deleted == found);
        if (found) {
            model_remove(&p->now, i);
        }
    }
}

static void step_delete_where(play *p) {
    pm_error err;
    uint64_t n_deleted;
    size_t left = 0;
    if (p->now.n == 0) { /* no column is known */
        return;
    }
    const int64_t score = random_below(10);
    char filter[64];
    snprintf(filter, sizeof filter, "score:%" PRId64, score);
    ok(pm_delete_where(p->w, filter, strlen(filter), &pm_limits_default, &n_deleted,
                       NULL, &err),
       &err);
    for (size_t i = 0; i < p->now.n; i++) {
        if (model_score(p->now.at[i]) != score) {
            p->now.at[left++] = p->now.at[i];
        }
    }
    CHECK(n_deleted == p->now.n - left);
    p->now.n = left;
}

static bool same_model(const model *a, const model *b) {
    return a->n == b->n && memcmp(a->at, b->at, a->n * sizeof *a->at) == 0;
}

static void step_commit(play *p) {
    pm_error err;
    uint64_t generation;
    ok(pm_writer_commit(p->w, NULL, &generation, &err), &err);
    CHECK(generation == p->generation || generation == p->generation + 1);
    CHECK(generation > p->generation || same_model(&p->now, &p->committed));
    p->generation = generation;
    p->committed = p->now;
    p->declared = false;
    p->n_commits++;
    check_committed(p);
    if (random_below(3) == 0) {
        ok(pm_index_verify(p->path, NULL, &err), &err);
    }
}

static void step_rollback(play *p) {
    pm_error err;
    ok(pm_writer_rollback(p->w, &err), &err);
    p->now = p->committed;
    p->declared = false;
}

static void step_reopen(play *p) {
    pm_writer_free(p->w);
    p->w = open_writer(p->path, p->segment_tokens);
    p->now = p->committed;
    p->declared = false;
}

/* The sections of the only segment, but for those whose bytes may tell where blocks of
 * text began before (index/merge.h, keep_blocks). */
static void read_segment(const char *path, pm_buf *out) {
    pm_error err;
    pm_snapshot *s;
    ok(pm_snapshot_open(path, 0, PM_MAP_AUTO, &s, &err), &err);
    CHECK(s->n_parts == 1);
    const pm_container *file = &s->parts[0].segment.file;
    pm_buf_clear(out);
    for (uint32_t i = 0; i < file->n_sections; i++) {
        const uint32_t id = file->sections[i].id;
        if (id != PM_FOURCC('T', 'E', 'X', 'T') &&
            id != PM_FOURCC('T', 'B', 'L', 'K')) {
            pm_buf_put(out, &id, sizeof id);
            pm_buf_put(out, file->blob.bytes + file->sections[i].offset,
                       (size_t)file->sections[i].size);
        }
    }
    pm_snapshot_unref(s);
}

/* One segment, of the bytes that one build of the rows gives. */
static void step_optimize(play *p) {
    const pm_writer_options o = writer_options(0);
    pm_error err;
    uint64_t generation;
    pm_writer_free(p->w);
    ok(pm_writer_optimize(p->path, &o, false, NULL, &generation, &err), &err);
    CHECK(generation <= p->generation + 1);
    p->generation = generation;
    p->n_optimized++;
    check_committed(p);
    if (p->committed.n > 0) {
        read_segment(p->path, &p->a);
        read_segment(p->scratch, &p->b);
        CHECK(same_text(&p->a, &p->b));
    }
    ok(pm_writer_optimize(p->path, &o, true, NULL, &generation, &err), &err);
    CHECK(generation == p->generation); /* nothing is left to do */
    p->w = open_writer(p->path, p->segment_tokens);
    p->now = p->committed;
    p->declared = false;
}

static void step(play *p) {
    static void (*const steps[])(play *) = {step_add,
                                            step_add,
                                            step_add,
                                            step_add,
                                            step_add_what_exists,
                                            step_update,
                                            step_update,
                                            step_delete,
                                            step_delete,
                                            step_delete_where,
                                            step_commit,
                                            step_commit,
                                            step_commit,
                                            step_rollback,
                                            step_reopen,
                                            hold_reader,
                                            hold_reader,
                                            step_delete_where,
                                            step_add,
                                            step_commit};
    const uint32_t i = random_below(41);
    if (i == 40) {
        step_optimize(p);
    } else {
        steps[i / 2](p);
    }
}

static void play_sessions(uint32_t seed, uint32_t n_steps, uint32_t build_tokens,
                          uint32_t segment_tokens) {
    static play p;
    pm_error err;
    p = (play){.segment_tokens = segment_tokens, .generation = 1};
    seed_state = seed;
    path_of(p.path, "played");
    path_of(p.scratch, "scratch");
    pm_buf_init(&p.row.bytes);
    for (uint32_t i = 0; i < 30; i++) {
        model_put(&p.now, fresh_id(&p));
    }
    p.committed = p.now;
    ok(model_build(&p.now, p.path, build_tokens, &err), &err);
    p.w = open_writer(p.path, segment_tokens);
    for (uint32_t i = 0; i < n_steps; i++) {
        step(&p);
    }
    step_commit(&p);
    step_optimize(&p);
    check_readers(&p);
    pm_writer_free(p.w);
    for (size_t i = 0; i < p.n_held; i++) {
        pm_index_unref(p.readers[i].idx);
        pm_buf_release(&p.readers[i].said);
    }
    ok(pm_index_verify(p.path, NULL, &err), &err);
    pm_buf_release(&p.row.bytes);
    pm_buf_release(&p.a);
    pm_buf_release(&p.b);
    remove_dir(p.path);
    remove_dir(p.scratch);
}

static void test_sessions_equal_one_build(uint32_t seed, uint32_t n_steps) {
    play_sessions(seed, n_steps, 0, 0);
    play_sessions(seed + 1, n_steps, 300, 0);
    play_sessions(seed + 2, n_steps, 0, 1000);
}

/* ---- what a session promises ---- */

/* An index of rows k0 .. k(n-1) at root/name. */
static void make_index(const char *path, uint32_t n, model *m) {
    pm_error err;
    m->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        model_put(m, (model_id){i, 1000 + i});
    }
    ok(model_build(m, path, 0, &err), &err);
}

static pm_status put_row(pm_writer *w, pm_write_mode mode, model_id id, pm_error *err) {
    model_row r;
    size_t added;
    pm_buf_init(&r.bytes);
    model_fill(&r, id);
    pm_status status = pm_writer_add(w, mode, &r.row, 1, &added, NULL, err);
    CHECK(added == (status == PM_OK));
    pm_buf_release(&r.bytes);
    return status;
}

static void check_is(const char *path, const model *m) {
    char scratch[1024];
    pm_error err;
    pm_buf a, b;
    pm_buf_init(&a);
    pm_buf_init(&b);
    ok(model_build(m, path_of(scratch, "scratch"), 0, &err), &err);
    ok(dump_path(&a, path, &err), &err);
    ok(dump_path(&b, scratch, &err), &err);
    CHECK(same_text(&a, &b));
    pm_buf_release(&a);
    pm_buf_release(&b);
    remove_dir(scratch);
}

static void commit_ok(pm_writer *w) {
    pm_error err;
    uint64_t generation;
    ok(pm_writer_commit(w, NULL, &generation, &err), &err);
}

static void delete_all(pm_writer *w, uint64_t expected) {
    pm_error err;
    uint64_t n;
    const char *filter = "NOT score:99";
    ok(pm_delete_where(w, filter, strlen(filter), &pm_limits_default, &n, NULL, &err),
       &err);
    CHECK(n == expected);
}

static void test_everything_deleted_leaves_an_index_that_goes_on(void) {
    char path[1024];
    static model m;
    pm_error err;
    pm_snapshot *view;
    make_index(path_of(path, "all"), 20, &m);
    pm_writer *w = open_writer(path, 0);
    delete_all(w, 20);
    commit_ok(w);
    m.n = 0;
    check_is(path, &m);
    ok(pm_index_verify(path, NULL, &err), &err);
    ok(pm_writer_view(w, NULL, &view, &err), &err);
    CHECK(view->n_docs == 0 && view->n_parts == 0);
    pm_snapshot_unref(view);
    commit_ok(w);
    CHECK(pm_writer_base(w)->generation == 2);
    ok(model_columns(w, &err), &err);
    ok(put_row(w, PM_WRITE_ADD, (model_id){3, 7}, &err), &err);
    model_put(&m, (model_id){3, 7});
    delete_all(w, 1);
    ok(put_row(w, PM_WRITE_ADD, (model_id){3, 7}, &err), &err);
    commit_ok(w);
    check_is(path, &m);
    pm_writer_free(w);
    remove_dir(path);
}

/* A cell that its column cannot hold, a text that no segment can: what the row was to
 * replace stays, in the base and in the session. */
static void test_update_that_fails_takes_nothing_away(void) {
    char path[1024];
    static model m;
    pm_error err;
    make_index(path_of(path, "atomic"), 20, &m);
    pm_writer *w = open_writer(path, 200);
    ok(model_columns(w, &err), &err);
    ok(put_row(w, PM_WRITE_ADD, (model_id){50, 7}, &err), &err);
    model_put(&m, (model_id){50, 7});
    static char words[3000];
    for (size_t i = 0; i < sizeof words; i++) {
        words[i] = i % 2 ? ' ' : 'w';
    }
    const pm_bytes text = {(const uint8_t *)words, sizeof words};
    const pm_bytes texts[2][2] = {{{text.p, 0}, text}, {{text.p, 4}, {text.p, 4}}};
    const pm_cell cell = corpus_str(COL_SCORE, "high");
    const pm_row rows[] = {{{(const uint8_t *)"k50", 3}, texts[0], NULL, 0},
                           {{(const uint8_t *)"k5", 2}, texts[0], NULL, 0},
                           {{(const uint8_t *)"k50", 3}, texts[1], &cell, 1},
                           {{(const uint8_t *)"k5", 2}, texts[1], &cell, 1}};
    for (size_t i = 0; i < 4; i++) {
        size_t added;
        CHECK(pm_writer_add(w, PM_WRITE_UPDATE, &rows[i], 1, &added, NULL, &err) ==
              (i < 2 ? PM_LIMIT : PM_INVALID));
        CHECK(added == 0);
    }
    commit_ok(w);
    CHECK(pm_writer_base(w)->generation == 2);
    check_is(path, &m);
    pm_writer_free(w);
    remove_dir(path);
}

static void test_columns_are_held_to_what_the_index_has(void) {
    char path[1024];
    static model m;
    pm_error err;
    uint32_t column;
    make_index(path_of(path, "columns"), 20, &m);
    pm_writer *w = open_writer(path, 0);
    CHECK(pm_writer_column(w, "outlet", PM_VALUE_INT, &column, &err) == PM_INVALID);
    CHECK(pm_writer_column(w, "score", PM_VALUE_STR, &column, &err) == PM_INVALID);
    CHECK(pm_writer_column(w, "date", PM_VALUE_BOOL, &column, &err) == PM_INVALID);
    CHECK(pm_writer_column(w, "title", PM_VALUE_STR, &column, &err) == PM_INVALID);
    ok(pm_writer_column(w, "score", PM_VALUE_FLOAT, &column, &err), &err);
    const pm_cell cell = {column, {.kind = PM_VALUE_FLOAT, .f = 2.5}};
    const pm_bytes texts[2] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
    const pm_row row = {{(const uint8_t *)"half", 4}, texts, &cell, 1};
    size_t added;
    ok(pm_writer_add(w, PM_WRITE_ADD, &row, 1, &added, NULL, &err), &err);
    commit_ok(w);
    CHECK(pm_writer_column(w, "score", PM_VALUE_BOOL, &column, &err) == PM_INVALID);
    ok(pm_writer_column(w, "score", PM_VALUE_INT, &column, &err), &err);
    const char *filter = "score:2.5";
    uint64_t n;
    ok(pm_delete_where(w, filter, strlen(filter), &pm_limits_default, &n, NULL, &err),
       &err);
    CHECK(n == 1);
    filter = "colour:red";
    CHECK(pm_delete_where(w, filter, strlen(filter), &pm_limits_default, &n, NULL,
                          &err) == PM_FIELD);
    commit_ok(w);
    check_is(path, &m);
    pm_writer_free(w);
    remove_dir(path);
}

/* The manifest's newest generation says that another analyzer made it. */
static void change_fingerprint(const char *path, uint64_t flip) {
    pm_manifest m;
    pm_error err;
    bool renamed;
    ok(pm_manifest_read(&m, path, &err), &err);
    m.fingerprint ^= flip;
    m.generations[m.n_generations - 1].fingerprint = m.fingerprint;
    ok(pm_manifest_write(&m, path, &renamed, &err), &err);
    pm_manifest_release(&m);
}

static void expect_too_old(const char *path, const char *hint) {
    const pm_writer_options o = writer_options(0);
    pm_writer *w;
    pm_error err;
    uint64_t generation;
    CHECK(pm_writer_new(path, &o, NULL, &w, &err) == PM_TOO_OLD && w == NULL);
    CHECK(strstr(err.hint, hint) != NULL);
    CHECK(pm_writer_optimize(path, &o, false, NULL, &generation, &err) == PM_TOO_OLD);
}

/* On an index without documents, whose manifest alone knows the fingerprint. */
static void test_other_stems_need_optimize_and_other_words_a_build(void) {
    char path[1024];
    static model m;
    const pm_writer_options o = writer_options(0);
    pm_error err;
    uint64_t generation;
    make_index(path_of(path, "stems"), 3, &m);
    pm_writer *w = open_writer(path, 0);
    delete_all(w, 3);
    commit_ok(w);
    pm_writer_free(w);
    change_fingerprint(path, 1);
    expect_too_old(path, "restem=True");
    ok(pm_writer_optimize(path, &o, true, NULL, &generation, &err), &err);
    CHECK(generation == 3);
    pm_writer_free(open_writer(path, 0));
    change_fingerprint(path, UINT64_C(1) << 40);
    expect_too_old(path, "anew");
    CHECK(pm_writer_optimize(path, &o, true, NULL, &generation, &err) == PM_TOO_OLD);
    remove_dir(path);
}

static void test_small_commits_leave_few_segments(void) {
    char path[1024];
    static model m;
    pm_error err;
    make_index(path_of(path, "small"), 3, &m);
    pm_writer *w = open_writer(path, 0);
    for (uint32_t i = 10; i < 110; i++) {
        ok(model_columns(w, &err), &err);
        ok(put_row(w, PM_WRITE_ADD, (model_id){i, i}, &err), &err);
        model_put(&m, (model_id){i, i});
        commit_ok(w);
        CHECK(pm_writer_base(w)->n_parts <= 8);
    }
    check_is(path, &m);
    pm_writer_free(w);
    remove_dir(path);
}

/* ---- one writer at a time ---- */

static void *drop_soon(void *w) {
    pm_sys_get()->pause_ms(50);
    pm_writer_free(w);
    return NULL;
}

static void test_second_writer_waits_or_is_told_who_writes(void) {
    char path[1024];
    static model m;
    pm_error err;
    pm_writer *w, *second;
    pthread_t thread;
    make_index(path_of(path, "locked"), 3, &m);
    pm_writer_options o = writer_options(0);
    w = open_writer(path, 0);
    CHECK(pm_writer_new(path, &o, NULL, &second, &err) == PM_LOCKED && second == NULL);
    CHECK(strstr(err.message, "another writer of this process") != NULL);
    uint64_t generation;
    CHECK(pm_writer_optimize(path, &o, false, NULL, &generation, &err) == PM_LOCKED);
    o.timeout_s = 60;
    CHECK(pthread_create(&thread, NULL, drop_soon, w) == 0);
    ok(pm_writer_new(path, &o, NULL, &second, &err), &err);
    pthread_join(thread, NULL);
    pm_writer_free(second);
    remove_dir(path);
}

static void expect_no_index(const char *path, pm_status expected) {
    const pm_writer_options o = writer_options(0);
    pm_writer *w;
    pm_error err;
    CHECK(pm_writer_new(path, &o, NULL, &w, &err) == expected && w == NULL);
}

static void test_writer_needs_an_index_and_memory(void) {
    char path[1024];
    static model m;
    pm_error err;
    pm_writer *w;
    expect_no_index(path_of(path, "nowhere"), PM_IO);
    expect_no_index(root, PM_FOREIGN);
    make_index(path_of(path, "little"), 3, &m);
    pm_writer_options o = writer_options(0);
    o.memory_bytes = 1 << 20;
    CHECK(pm_writer_new(path, &o, NULL, &w, &err) == PM_INVALID);
    remove_dir(path);
}

/* A child's calls are refused, and its free leaves the parent's files and lock. */
static void test_forked_child_cannot_write(void) {
    char path[1024], pid[64];
    static model m;
    pm_error err;
    pm_snapshot *view;
    make_index(path_of(path, "forked"), 20, &m);
    pm_writer *w = open_writer(path, 0);
    ok(model_columns(w, &err), &err);
    ok(put_row(w, PM_WRITE_UPDATE, (model_id){3, 7}, &err), &err);
    model_put(&m, (model_id){3, 7});
    ok(pm_writer_view(w, NULL, &view, &err), &err); /* its row stands in a file */
    pm_snapshot_unref(view);
    const int n_files = count_files(path);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        uint64_t generation;
        CHECK(put_row(w, PM_WRITE_ADD, (model_id){90, 7}, &err) == PM_INVALID);
        CHECK(strstr(err.message, "process") != NULL);
        CHECK(pm_writer_commit(w, NULL, &generation, &err) == PM_INVALID);
        CHECK(pm_writer_rollback(w, &err) == PM_INVALID);
        pm_writer_free(w);
        const pm_writer_options o = writer_options(0);
        CHECK(pm_writer_new(path, &o, NULL, &w, &err) == PM_LOCKED);
        snprintf(pid, sizeof pid, "process %ld on ", (long)getppid());
        CHECK(strstr(err.message, pid) != NULL);
        _exit(0);
    }
    int how;
    CHECK(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
    CHECK(count_files(path) == n_files);
    commit_ok(w);
    check_is(path, &m);
    pm_writer_free(w);
    remove_dir(path);
}

/* ---- stopping ---- */

enum { STOP_ROWS = 200 };

typedef struct stopper {
    pm_cancel cancel;
    uint32_t after_us;
} stopper;

static void *stop_soon(void *ctx) {
    stopper *s = ctx;
    const struct timespec t = {.tv_nsec = (long)s->after_us * 1000};
    nanosleep(&t, NULL);
    atomic_store(&s->cancel.stop, 1);
    return NULL;
}

/* Rows are put, some are deleted again, all is committed: k(first) .. with seeds from 0
 * on, but for those of score 3. */
static pm_status stopped_session(pm_writer *w, uint32_t first, pm_cancel *cancel,
                                 pm_error *err) {
    static model_row rows[STOP_ROWS];
    static pm_row at[STOP_ROWS];
    size_t added;
    uint64_t n, generation;
    PM_TRY(model_columns(w, err));
    for (uint32_t i = 0; i < STOP_ROWS; i++) {
        model_fill(&rows[i], (model_id){first + i, i});
        at[i] = rows[i].row;
    }
    PM_TRY(pm_writer_add(w, PM_WRITE_UPDATE, at, STOP_ROWS, &added, cancel, err));
    PM_TRY(pm_delete_where(w, "score:3", 7, &pm_limits_default, &n, cancel, err));
    return pm_writer_commit(w, cancel, &generation, err);
}

static void stopped_session_of_model(model *m, uint32_t first) {
    size_t left = 0;
    for (uint32_t i = 0; i < STOP_ROWS; i++) {
        model_put(m, (model_id){first + i, i});
    }
    for (size_t i = 0; i < m->n; i++) {
        if (model_score(m->at[i]) != 3) {
            m->at[left++] = m->at[i];
        }
    }
    m->n = left;
}

static void test_stopped_at_any_time_leaves_the_last_commit(void) {
    char path[1024];
    static model m;
    pm_error err;
    uint32_t n_stopped = 0;
    seed_state = 11;
    make_index(path_of(path, "stopped"), 300, &m);
    pm_writer *w = open_writer(path, 0);
    for (uint32_t round = 0; round < 60; round++) {
        const uint32_t first = random_below(300);
        stopper s = {.after_us = random_below(round % 2 ? 20000 : 4000)};
        pthread_t thread;
        pm_cancel_init(&s.cancel, NULL, NULL);
        CHECK(pthread_create(&thread, NULL, stop_soon, &s) == 0);
        pm_status status = stopped_session(w, first, &s.cancel, &err);
        pthread_join(thread, NULL);
        if (status == PM_OK) {
            stopped_session_of_model(&m, first);
        } else {
            CHECK(status == PM_CANCELLED);
            n_stopped++;
            ok(pm_writer_rollback(w, &err), &err);
        }
        check_is(path, &m);
    }
    CHECK(n_stopped > 5);
    pm_writer_free(w);
    remove_dir(path);
}

int main(int argc, char **argv) {
    const char *tmp = getenv("TMPDIR");
    const uint32_t n_steps = argc > 1 ? (uint32_t)atol(argv[1]) : 150;
    const uint32_t seed = argc > 2 ? (uint32_t)atol(argv[2]) : 1;
    snprintf(root, sizeof root, "%s/pm_writer_XXXXXX", tmp != NULL ? tmp : "/tmp");
    CHECK(mkdtemp(root) != NULL);
    test_sessions_equal_one_build(seed, n_steps);
    test_everything_deleted_leaves_an_index_that_goes_on();
    test_update_that_fails_takes_nothing_away();
    test_columns_are_held_to_what_the_index_has();
    test_other_stems_need_optimize_and_other_words_a_build();
    test_small_commits_leave_few_segments();
    test_second_writer_waits_or_is_told_who_writes();
    test_writer_needs_an_index_and_memory();
    test_forked_child_cannot_write();
    test_stopped_at_any_time_leaves_the_last_commit();
    remove_dir(root);
    puts("writer: ok");
    return 0;
}
