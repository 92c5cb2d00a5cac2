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
    if (script_build(&rows, SCRIPT_BUILT / 2, &err) != PM_OK ||
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
    CHECK(script_build(&rows, n_rows, &err) == PM_OK);
    know(state, n_rows);
    crash_mark(state);
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

int main(int argc, char **argv) {
    size_t states = argc > 1 ? strtoul(argv[1], NULL, 10) : 6000;
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    pm_sys table = crash_sys();
    pm_sys_replace(&table);
    corpus_make(&rows, SCRIPT_ROWS, 12, 3);
    held = atomic_load(&mem_live);
    n_known = 1;
    size_t done = test_a_new_index_is_whole_or_not_there(states / 3, seed);
    corpus_free(&rows);
    CHECK(atomic_load(&mem_live) == 0);
    printf("test_crash: ok, %zu states, seed %u\n", done, seed);
    return 0;
}
