/* Power losses: for every prefix of the file calls of a build, of a build in the place
 * of another index, and of a life of commits, states that the disk may be left in. In
 * each of them the path must hold what was acknowledged last or what was being
 * published, whole; everything must be sound; and work must be able to go on.
 *   test_crash [states [seed]]   states in all; default 6000 */
#include "crash_files.h"
#include "index_script.h"

enum { NOTHING = 0, MAX_STATES = 32 };

/* The states that the path may be in, by number; 0: nothing stands there. */
static index_state known[MAX_STATES];
static uint64_t n_known;
static script_model models[MAX_STATES]; /* of lives of commits */
static corpus rows;
static long held; /* allocations of the test itself */

typedef struct scene {
    const char *name;
    const crash_trace *trace;
    size_t end; /* the first call that was not made */
    crash_chance chance;
} scene;

/* ---- what is told of a failure ---- */

static void tell_op(size_t i, const crash_op *op) {
    static const char *const kinds[] = {"link",  "unlink", "rename", "exchange",
                                        "write", "cut",    "sync",   "mark"};
    fprintf(stderr, "%4zu %-8s node %llu dir %llu %s %s at %zu n %zu\n", i,
            kinds[op->kind], (unsigned long long)op->node, (unsigned long long)op->dir,
            op->name, op->other, op->at, op->n);
}

static void fail_scene(const scene *s, const char *what, const pm_error *err) {
    for (size_t i = s->trace->start; i < s->end; i++) {
        tell_op(i, &s->trace->ops[i]);
    }
    fprintf(stderr,
            "%s: power lost before call %zu, seed %u, names kept %u, bytes kept %u, "
            "torn %u, zeroed %u of 16: %s: %s\n",
            s->name, s->end, s->chance.seed, s->chance.names_kept, s->chance.bytes_kept,
            s->chance.torn, s->chance.zeroed, what, err != NULL ? err->message : "");
    exit(1);
}

/* ---- what must hold ---- */

/* The state that was being published before operation `end`, if any: the next one
 * acknowledged after it. */
static uint64_t in_flight(const crash_trace *t, size_t end) {
    for (size_t i = end; i < t->n; i++) {
        if (t->ops[i].kind == CRASH_MARK) {
            return t->ops[i].n;
        }
    }
    return crash_acknowledged(t, end);
}

static bool is_known(uint64_t k, const index_state *s) {
    return k != NOTHING && k < n_known && known[k].generation == s->generation &&
           state_same(&known[k], s);
}

/* Which state the path is in. */
static uint64_t find_state(const scene *s) {
    pm_error err;
    index_state found;
    uint64_t old = crash_acknowledged(s->trace, s->end);
    pm_error_clear(&err);
    pm_status status = state_read(SCRIPT_PATH, 0, &found, &err);
    if (status != PM_OK) {
        bool nothing = status == PM_IO && err.os_errno == ENOENT;
        if (old != NOTHING || !nothing) {
            fail_scene(s, "cannot be opened", &err);
        }
        return NOTHING;
    }
    uint64_t next = in_flight(s->trace, s->end);
    if (!is_known(old, &found) && !is_known(next, &found)) {
        fail_scene(s, "another state than those that may be", NULL);
    }
    return is_known(old, &found) ? old : next;
}

static void check_sound(const scene *s, const char *what) {
    pm_error err;
    if (pm_snapshot_verify(SCRIPT_PATH, NULL, &err) != PM_OK) {
        fail_scene(s, what, &err);
    }
    CHECK(mem_open_files() == 0 && atomic_load(&mem_live) == held);
}

/* ---- building ---- */

/* Work goes on: another build takes the place. */
static void go_on_building(const scene *s) {
    pm_error err;
    index_state found;
    if (script_build(&rows, SCRIPT_BUILT / 2, 1, &err) != PM_OK ||
        state_read(SCRIPT_PATH, 0, &found, &err) != PM_OK) {
        fail_scene(s, "cannot be built anew", &err);
    }
    if (!state_same(&found, &known[2])) {
        fail_scene(s, "is not what was built anew", NULL);
    }
    check_sound(s, "is not sound after it was built anew");
}

static void check_building(const scene *s) {
    if (find_state(s) != NOTHING) {
        check_sound(s, "is not sound");
    }
    go_on_building(s);
}

static void know(uint64_t k, size_t n_rows) {
    pm_error err;
    script_model m = {.n = 0};
    CHECK(k == n_known && k < MAX_STATES);
    CHECK(state_read(SCRIPT_PATH, 0, &known[n_known++], &err) == PM_OK);
    model_step(&m, &(script_op){SCRIPT_ADD, 0, n_rows});
    model_check(&m, &rows, &known[k]);
}

static void build(size_t n_rows, uint64_t state) {
    pm_error err;
    CHECK(script_build(&rows, n_rows, 1, &err) == PM_OK);
    know(state, n_rows);
    crash_mark(state);
}

/* ---- writing ---- */

static const script_op more_ops[] = {{SCRIPT_UPDATE, SCRIPT_ROWS - 1, SCRIPT_ROWS - 1},
                                     {SCRIPT_DELETE, 3, 0},
                                     {SCRIPT_COMMIT, 0, 0}};

/* Another session, as a process after the reboot would have it; what stands then. */
static index_state write_more(const scene *s, const script_model *before) {
    pm_error err;
    index_state found;
    script_model m = *before;
    pm_error_clear(&err);
    if (script_session(&rows, more_ops, 1, &err) != PM_OK ||
        state_read(SCRIPT_PATH, 0, &found, &err) != PM_OK) {
        fail_scene(s, "cannot be written to", &err);
    }
    model_session(&m, more_ops);
    if (found.n_docs != m.n || found.documents != model_documents(&m, &rows)) {
        fail_scene(s, "is not what was written", NULL);
    }
    return found;
}

/* Nothing stands in the directory that the manifest does not name. */
static void check_tidy(const scene *s) {
    pm_error err;
    pm_manifest m;
    CHECK(pm_manifest_read(&m, SCRIPT_PATH, &err) == PM_OK);
    for (size_t i = 0; i < mem_n_names; i++) {
        const char *name = script_stray(mem_names[i].path, &m);
        if (name != NULL) {
            fail_scene(s, name, NULL);
        }
    }
    pm_manifest_release(&m);
}

/* The power goes again, while the session after the first loss is written. */
static void lose_power_again(const scene *s, uint64_t k, uint32_t seed) {
    crash_trace t;
    crash_begin(&t);
    index_state written = write_more(s, &models[k]);
    crash_end();
    for (int way = 0; way < 3; way++) {
        pm_error err;
        index_state found;
        uint32_t n = (uint32_t)(t.n - t.start + 1);
        size_t end = t.start + crash_random(&seed, n);
        scene at = {"again", &t, end, crash_choose(seed, crash_random(&seed, 20))};
        crash_state(&t, end, at.chance);
        pm_error_clear(&err);
        if (state_read(SCRIPT_PATH, 0, &found, &err) != PM_OK) {
            fail_scene(&at, "cannot be opened", &err);
        }
        bool is_old = is_known(k, &found), is_new = state_same(&written, &found);
        if (end == t.n ? !is_new : !is_old && !is_new) {
            fail_scene(&at, "another state than those that may be", NULL);
        }
        check_sound(&at, "is not sound");
    }
    crash_release(&t);
}

static void check_life(const scene *s) {
    uint64_t k = find_state(s);
    check_sound(s, "is not sound");
    if (s->chance.seed % 8 == 0) {
        lose_power_again(s, k, s->chance.seed);
        return;
    }
    (void)write_more(s, &models[k]);
    check_sound(s, "is not sound after it was written to");
    check_tidy(s);
}

/* ---- the sweep ---- */

/* About `states` states of a trace, spread over its prefixes. */
static size_t sweep(const char *name, const crash_trace *t, size_t states,
                    uint32_t seed, void (*check)(const scene *)) {
    size_t prefixes = t->n - t->start + 1, done = 0;
    size_t ways = (states + prefixes - 1) / prefixes;
    for (size_t end = t->start; end <= t->n; end++) {
        for (size_t k = 0; k < ways; k++) {
            uint32_t s = seed + (uint32_t)(done * 2654435761u);
            scene at = {name, t, end, crash_choose(s, k)};
            crash_state(t, end, at.chance);
            check(&at);
            done++;
        }
    }
    printf("test_crash: %s: %zu calls that change something, %zu states\n", name,
           prefixes - 1, done);
    mem_clear();
    return done;
}

static size_t test_a_new_index_is_whole_or_not_there(size_t states, uint32_t seed) {
    crash_trace t;
    mem_clear();
    crash_begin(&t);
    build(SCRIPT_BUILT, 1);
    build(SCRIPT_BUILT / 2, 2);
    build(SCRIPT_BUILT - 3, 3);
    crash_end();
    size_t done = sweep("build", &t, states, seed, check_building);
    crash_release(&t);
    return done;
}

/* One session of the life, published as state k. */
static void live(const script_op *ops, uint64_t k) {
    pm_error err;
    mem_clock_s += 4000; /* so that old generations go */
    CHECK(script_session(&rows, ops, 1, &err) == PM_OK);
    models[k] = models[k - 1];
    model_session(&models[k], ops);
    CHECK(k < MAX_STATES && state_read(SCRIPT_PATH, 0, &known[k], &err) == PM_OK);
    model_check(&models[k], &rows, &known[k]);
    n_known = k + 1;
    crash_mark(k);
}

static size_t test_every_commit_is_the_last_or_the_next(size_t states, uint32_t seed) {
    crash_trace t;
    uint64_t k = 1;
    mem_clear();
    crash_begin(&t);
    n_known = 1;
    models[1].n = 0;
    model_step(&models[1], &(script_op){SCRIPT_ADD, 0, SCRIPT_BUILT});
    build(SCRIPT_BUILT, 1);
    size_t built = t.n - 1; /* safe, and tested by itself: but for the mark */
    for (const script_op *op = script_ops; op->kind != SCRIPT_END;
         op += script_length(op)) {
        live(op, ++k);
    }
    crash_end();
    t.start = built;
    size_t done = sweep("life", &t, states, seed, check_life);
    crash_release(&t);
    return done;
}

/* A process is killed at call `at` of the session that leads to state k; the next one
 * writes what is in its way; then the power goes: nothing of what the killed one did is
 * safe but what it synced. */
static size_t kill_then_lose_power(const script_op *ops, uint64_t k, size_t at,
                                   size_t ways, uint32_t seed) {
    crash_trace t;
    pm_error err;
    index_state found;
    crash_begin(&t);
    crash_calls_left = at;
    bool acknowledged = script_session(&rows, ops, 1, &err) == PM_OK;
    crash_calls_left = SIZE_MAX;
    size_t killed = t.n;
    scene first = {"kill", &t, killed, {.names_kept = 16, .bytes_kept = 16}};
    CHECK(state_read(SCRIPT_PATH, 0, &found, &err) == PM_OK);
    bool stands = is_known(k, &found);
    if (!stands && (acknowledged || !is_known(k - 1, &found))) {
        fail_scene(&first, "another state than those that may be", NULL);
    }
    index_state written = write_more(&first, &models[stands ? k : k - 1]);
    crash_end();
    for (size_t way = 0; way < ways; way++) {
        uint32_t s = seed + (uint32_t)(way * 2654435761u);
        size_t end = killed + crash_random(&s, (uint32_t)(t.n - killed + 1));
        scene then = {"kill, then power", &t, end,
                      crash_choose(s, crash_random(&s, 12))};
        crash_state(&t, end, then.chance);
        pm_error_clear(&err);
        if (state_read(SCRIPT_PATH, 0, &found, &err) != PM_OK) {
            fail_scene(&then, "cannot be opened", &err);
        }
        bool is_old = is_known(k - 1, &found) && !acknowledged;
        bool is_new = is_known(k, &found) && stands;
        if (end == t.n || (!is_old && !is_new)) {
            if (!state_same(&written, &found)) {
                fail_scene(&then, "another state than those that may be", NULL);
            }
        }
        check_sound(&then, "is not sound");
    }
    crash_release(&t);
    return ways;
}

static size_t test_power_lost_after_a_kill(size_t states, uint32_t seed) {
    size_t done = 0;
    uint64_t k = 1;
    mem_clear();
    pm_error err;
    CHECK(script_build(&rows, SCRIPT_BUILT, 1, &err) == PM_OK);
    for (const script_op *op = script_ops; op->kind != SCRIPT_END;
         op += script_length(op)) {
        crash_trace t;
        mem_clock_s += 4000;
        mem_image before = mem_save();
        crash_begin(&t);
        CHECK(script_session(&rows, op, 1, &err) == PM_OK);
        crash_end();
        mem_image after = mem_save();
        size_t calls = t.n - t.start;
        size_t ways = states / (SCRIPT_SESSIONS * (calls + 1)) + 1;
        crash_release(&t);
        k++;
        for (size_t at = 0; at <= calls; at++) {
            mem_load(&before);
            done += kill_then_lose_power(op, k, at, ways, seed + (uint32_t)done);
        }
        mem_load(&after);
        mem_image_free(&before);
        mem_image_free(&after);
    }
    mem_clear();
    printf("test_crash: kills, then power: %zu states\n", done);
    return done;
}

int main(int argc, char **argv) {
    size_t states = argc > 1 ? strtoul(argv[1], NULL, 10) : 6000;
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    pm_sys table = crash_sys();
    pm_sys_replace(&table);
    corpus_make(&rows, SCRIPT_ROWS, 12, 3);
    held = atomic_load(&mem_live);
    n_known = 1;
    size_t done = test_a_new_index_is_whole_or_not_there(states / 5, seed);
    done += test_every_commit_is_the_last_or_the_next(states / 5 * 3, seed);
    done += test_power_lost_after_a_kill(states / 5, seed);
    corpus_free(&rows);
    CHECK(atomic_load(&mem_live) == 0);
    printf("test_crash: ok, %zu states, seed %u\n", done, seed);
    return 0;
}
