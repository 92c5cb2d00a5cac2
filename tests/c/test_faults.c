/* What fails: the i-th allocation, then the i-th file call, once and from then on, for
 * every i until none fails, in a build, in each session of a life of commits, in an
 * optimize, in opening, verifying and asking. Each time an error (or, for calls that may
 * fail unnoticed, success), never a crash; no memory, descriptor or lock left; the last
 * commit stands, is sound, and another can follow.
 *   test_faults [all | stride [threads]]   of the allocations every stride-th fails
 *                                          (default 19; all: each one) */
#include "fault_files.h"
#include "index_script.h"

/* One thing that is done under faults, from a given state of the files. */
typedef struct scene {
    const char *name;
    mem_image before;
    pm_status (*run)(const struct scene *, pm_error *);
    const script_op *ops;
    bool has_old, has_new; /* an index stands before; something is published */
    index_state old, new;
    script_model model; /* what stands afterwards */
} scene;

static corpus rows;
static unsigned threads = 1;
static long held; /* allocations of the test itself */
static long n_faults;

static void fail_scene(const scene *s, const char *what, const pm_error *err) {
    fprintf(stderr, "%s: %s call %ld fails%s with errno %d: %s: %s\n", s->name,
            fault_now.sort == FAULT_MEMORY ? "memory" : "file", fault_now.at,
            fault_now.for_ever ? " for ever" : "", fault_now.why, what,
            err != NULL ? err->message : "");
    exit(1);
}

/* ---- what is done ---- */

static pm_status run_build(const scene *s, pm_error *err) {
    return script_build(&rows, s->model.n, threads, err);
}

static pm_status run_session(const scene *s, pm_error *err) {
    return script_session(&rows, s->ops, threads, err);
}

static pm_status run_read(const scene *s, pm_error *err) {
    index_state found;
    PM_TRY(state_read(SCRIPT_PATH, 0, &found, err));
    CHECK(state_same(&found, &s->old));
    return PM_OK;
}

static pm_status run_verify(const scene *s, pm_error *err) {
    (void)s;
    return pm_snapshot_verify(SCRIPT_PATH, NULL, err);
}

/* ---- after each ---- */

static void check_quiet(const scene *s) {
    if (mem_open_files() != 0) {
        fail_scene(s, "a descriptor stays open", NULL);
    }
    if (atomic_load(&mem_live) != held) {
        fail_scene(s, "memory or a mapping is not given back", NULL);
    }
}

/* The status tells of what failed, and only of that. */
static void check_told(const scene *s, pm_status status, const pm_error *err) {
    bool met = atomic_load(&fault_met_early), told = status != PM_OK;
    pm_status right = fault_now.sort == FAULT_MEMORY ? PM_NOMEM : PM_IO;
    if (told && (!met || status != err->code || err->message[0] == 0)) {
        fail_scene(s, "an error too late, of nothing, or without a message", err);
    }
    if (told &&
        (status != right || (right == PM_IO && err->os_errno != fault_now.why))) {
        fail_scene(s, "another error than what failed", err);
    }
    bool retried = fault_now.sort == FAULT_FILES && fault_now.why == EINTR;
    if (told ? retried : !retried && atomic_load(&fault_must_tell)) {
        fail_scene(s,
                   told ? "an interrupted call was not repeated"
                        : "success, though a call failed that matters",
                   err);
    }
}

/* Nothing stands but the index, and in it nothing but what the manifest names. */
static void check_tidy(const scene *s) {
    pm_error err;
    pm_manifest m;
    CHECK(pm_manifest_read(&m, SCRIPT_PATH, &err) == PM_OK);
    for (size_t i = 0; i < mem_n_names; i++) {
        const char *stray = script_stray(mem_names[i].path, &m);
        if (stray != NULL) {
            fail_scene(s, stray, NULL);
        }
    }
    pm_manifest_release(&m);
}

static void check_sound(const scene *s) {
    pm_error err;
    pm_error_clear(&err);
    if (pm_snapshot_verify(SCRIPT_PATH, NULL, &err) != PM_OK) {
        fail_scene(s, "the index is not sound", &err);
    }
}

/* Another session after the failure: a row more, and nothing left lying about. */
static void check_goes_on(const scene *s, const script_model *before) {
    static const script_op more[] = {{SCRIPT_UPDATE, SCRIPT_ROWS - 1, SCRIPT_ROWS - 1},
                                     {SCRIPT_COMMIT, 0, 0}};
    pm_error err;
    index_state found;
    script_model m = *before;
    pm_error_clear(&err);
    if (script_session(&rows, more, 1, &err) != PM_OK ||
        state_read(SCRIPT_PATH, 0, &found, &err) != PM_OK) {
        fail_scene(s, "no commit can follow", &err);
    }
    model_session(&m, more);
    if (found.n_docs != m.n || found.documents != model_documents(&m, &rows)) {
        fail_scene(s, "the commit that follows holds something else", NULL);
    }
    check_sound(s);
    if (s->ops != NULL) {
        check_tidy(s);
    }
}

/* The path holds the old state, or the new one: that always after success, never where
 * the manifest was not yet in its place. */
static void check_published(const scene *s, pm_status status,
                            const script_model *before) {
    pm_error err;
    index_state found;
    pm_error_clear(&err);
    pm_status opened = state_read(SCRIPT_PATH, 0, &found, &err);
    if (!s->has_old && status != PM_OK && opened == PM_IO && err.os_errno == ENOENT) {
        return;
    }
    if (opened != PM_OK) {
        fail_scene(s, "the last commit cannot be opened", &err);
    }
    bool is_new = found.generation == s->new.generation &&state_same(&found, &s->new);
    bool is_old = s->has_old && found.generation == s->old.generation &&
                  state_same(&found, &s->old);
    if (status == PM_OK ? !is_new
                        : !is_old && !(is_new && atomic_load(&fault_renamed))) {
        fail_scene(s, "neither the last commit nor the one asked for stands", NULL);
    }
    check_sound(s);
    /* What fails once, and is no failure to clean up, leaves nothing, unless it is not
     * known which of the two commits will stand. */
    bool unknown = status != PM_OK && atomic_load(&fault_renamed);
    if (!fault_now.for_ever && !unknown &&
        (!atomic_load(&fault_met) || atomic_load(&fault_must_tell))) {
        check_tidy(s);
    }
    check_goes_on(s, is_new ? &s->model : before);
}

/* ---- the sweeps ---- */

static bool once(const scene *s, const script_model *before, fault_plan plan) {
    pm_error err;
    pm_error_clear(&err);
    mem_load(&s->before);
    fault_begin(plan);
    pm_status status = s->run(s, &err);
    bool met = atomic_load(&fault_met);
    check_quiet(s);
    check_told(s, status, &err);
    fault_over = true;
    if (s->has_new) {
        check_published(s, status, before);
    }
    check_quiet(s);
    n_faults += met;
    return met;
}

/* One kind of fault, at every step-th call. */
static long sweep_kind(const scene *s, const script_model *before, fault_plan plan,
                       long step) {
    plan.at = plan.for_ever ? step / 2 : 0;
    while (once(s, before, plan)) {
        plan.at += step;
    }
    return plan.at;
}

static void sweep(const scene *s, const script_model *before, long stride) {
    static const fault_plan memory = {.sort = FAULT_MEMORY, .why = ENOMEM},
                            memory_on = {FAULT_MEMORY, 0, true, ENOMEM, 0},
                            files = {.sort = FAULT_FILES, .why = EIO},
                            files_on = {FAULT_FILES, 0, true, EIO, 0},
                            full = {.sort = FAULT_FILES, .why = ENOSPC},
                            full_on = {FAULT_FILES, 0, true, ENOSPC, 0},
                            interrupted = {.sort = FAULT_FILES, .why = EINTR};
    long some = stride > 1 ? 3 : 1; /* what differs little from EIO */
    long allocations = sweep_kind(s, before, memory, stride);
    long calls = sweep_kind(s, before, files, 1);
    (void)sweep_kind(s, before, memory_on, stride);
    (void)sweep_kind(s, before, files_on, 1);
    (void)sweep_kind(s, before, full, some);
    (void)sweep_kind(s, before, full_on, some);
    (void)sweep_kind(s, before, interrupted, some);
    printf("test_faults: %s: %ld allocations, %ld file calls\n", s->name, allocations,
           calls);
}

/* Reads and writes that move less than they were asked to change nothing. */
static void test_short_reads_and_writes(const scene *s, const script_model *before) {
    static const size_t most[] = {1, 7, 64, 1000};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        CHECK(!once(s, before, (fault_plan){.at = -1, .at_most = most[i]}));
    }
}

/* ---- the scenes ---- */

/* What a scene leads to where nothing fails; the file system is then as after it. */
static void rehearse(scene *s) {
    pm_error err;
    fault_begin((fault_plan){.sort = FAULT_NONE});
    s->before = mem_save();
    CHECK(!s->has_old || state_read(SCRIPT_PATH, 0, &s->old, &err) == PM_OK);
    pm_status status = s->run(s, &err);
    if (status != PM_OK) {
        fail_scene(s, "fails though nothing fails", &err);
    }
    if (s->has_new) {
        CHECK(state_read(SCRIPT_PATH, 0, &s->new, &err) == PM_OK);
        model_check(&s->model, &rows, &s->new);
    }
}

/* Plays a scene, and goes on from where it leads. */
static void play(scene *s, const script_model *before, long stride) {
    rehearse(s);
    mem_image after = mem_save();
    test_short_reads_and_writes(s, before);
    sweep(s, before, stride);
    mem_load(&after);
    mem_image_free(&after);
    mem_image_free(&s->before);
}

static void play_readers(long stride) {
    scene read = {.name = "open and ask", .run = run_read, .has_old = true};
    scene verify = {.name = "verify", .run = run_verify, .has_old = true};
    play(&read, NULL, stride);
    play(&verify, NULL, stride);
}

static void play_life(long stride) {
    char name[32];
    script_model m = {.n = 0}, before = {.n = 0};
    model_step(&m, &(script_op){SCRIPT_ADD, 0, SCRIPT_BUILT / 2});
    play(&(scene){.name = "build", .run = run_build, .has_new = true, .model = m},
         &before, stride);
    before = m;
    model_step(&m, &(script_op){SCRIPT_ADD, SCRIPT_BUILT / 2, SCRIPT_BUILT});
    play(&(scene){.name = "build in the place of another",
                  .run = run_build,
                  .has_old = true,
                  .has_new = true,
                  .model = m},
         &before, stride);
    const script_op *op = script_ops;
    for (int k = 1; op->kind != SCRIPT_END; k++, op += script_length(op)) {
        before = m;
        model_session(&m, op);
        snprintf(name, sizeof name, "session %d", k);
        mem_clock_s += 4000; /* so that old generations go */
        play(&(scene){.name = name,
                      .run = run_session,
                      .ops = op,
                      .has_old = true,
                      .has_new = true,
                      .model = m},
             &before, stride);
        if (k == 3) {
            play_readers(stride);
        }
    }
}

int main(int argc, char **argv) {
    long stride = 19;
    if (argc > 1) {
        stride = strcmp(argv[1], "all") == 0 ? 1 : atol(argv[1]);
    }
    threads = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    CHECK(stride > 0);
    pm_sys table = fault_sys();
    pm_sys_replace(&table);
    corpus_make(&rows, SCRIPT_ROWS, 12, 3);
    held = atomic_load(&mem_live);
    play_life(stride);
    mem_clear();
    corpus_free(&rows);
    CHECK(atomic_load(&mem_live) == 0);
    printf("test_faults: ok, %ld failures\n", n_faults);
    return 0;
}
