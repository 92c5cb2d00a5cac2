/* Generations on disk: what a commit names, keeps and sweeps; what readers see while
 * others publish and sweep; every failing file call. */
#include <pthread.h>

#include "commit_line.h"

/* ---- what a commit names ---- */

static void check_same_facts(const pm_manifest *a, const pm_manifest *b) {
    CHECK(strcmp(a->lang, b->lang) == 0 && strcmp(a->main_field, b->main_field) == 0);
    CHECK(strcmp(a->date_column, b->date_column) == 0);
    CHECK(strcmp(a->key_column, b->key_column) == 0 && a->n_fields == b->n_fields);
    CHECK(strcmp(a->fields[1], b->fields[1]) == 0 && a->store == b->store);
    CHECK(a->fingerprint == b->fingerprint && a->next_file == b->next_file);
    CHECK(a->retain == b->retain && a->retain_seconds == b->retain_seconds);
    CHECK(a->n_files == b->n_files && a->n_generations == b->n_generations);
    for (uint32_t i = 0; i < a->n_files; i++) {
        CHECK(strcmp(a->files[i].name, b->files[i].name) == 0);
    }
}

/* What publish gives back is what it wrote. */
static void check_in_force(const line *l) {
    pm_manifest read;
    pm_error err;
    CHECK(pm_manifest_read(&read, "index", &err) == PM_OK);
    check_same_facts(&read, &l->m);
    for (uint32_t i = 0; i < read.n_generations; i++) {
        const pm_generation *a = &read.generations[i], *b = &l->m.generations[i];
        CHECK(a->number == b->number && a->published == b->published &&
              a->fingerprint == b->fingerprint && a->n_segments == b->n_segments);
        CHECK(memcmp(a->segments, b->segments, a->n_segments * sizeof *a->segments) ==
              0);
    }
    pm_manifest_release(&read);
}

static void test_each_commit_is_a_generation(void) {
    line l;
    begin(&l);
    for (uint64_t g = 2; g <= 4; g++) {
        add(&l, (int)g % KINDS);
        commit(&l);
        check_in_force(&l);
        CHECK(l.m.generations[l.m.n_generations - 1].number == g);
    }
    CHECK(l.m.next_file == 4 && l.m.n_files == 3 && !stands(PM_MANIFEST_NEW));
    for (uint64_t g = 1; g <= 4; g++) { /* all are younger than an hour */
        pm_snapshot *s = open_ok(g);
        CHECK(s->generation == g && s->n_parts == g - 1);
        CHECK(s->n_docs == s->live_docs && s->n_tokens == s->live_tokens);
        pm_snapshot_unref(s);
    }
    l.entries[0] = l.entries[2]; /* segments in another order, and one less */
    l.n = 2;
    commit(&l);
    check_in_force(&l);
    pm_snapshot *s = open_ok(0);
    CHECK(s->generation == 5 && s->n_parts == 2);
    CHECK(strcmp(s->parts[0].segment.file.blob.name, "0000000003.seg") == 0);
    CHECK(strcmp(s->parts[1].segment.file.blob.name, "0000000002.seg") == 0);
    pm_snapshot_unref(s);
    pm_error err;
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_OK);
    end(&l);
}

static void check_part(const pm_part *p, uint64_t dead) {
    uint32_t live = 0;
    uint64_t tokens = 0;
    for (pm_doc d = 0; d < p->segment.info.n_docs; d++) {
        bool lives = (dead >> d & 1) == 0;
        CHECK(pm_part_lives(p, d) == lives);
        live += lives;
        tokens += lives ? pm_bounds_doc_length(&p->segment.bounds, d) : 0;
    }
    CHECK(p->live_docs == live && p->live_tokens == tokens);
    CHECK(p->live == NULL || p->live[0] >> p->segment.info.n_docs == 0);
}

static void test_sidecars_say_what_lives(void) {
    line l;
    begin(&l);
    add(&l, 0);
    add(&l, 1);
    commit(&l);
    delete_docs(&l, 1, 5);
    commit(&l);
    delete_docs(&l, 1, 7);
    delete_docs(&l, 0, (UINT64_C(1) << kinds[0].entry.n_docs) - 1);
    commit(&l);
    check_in_force(&l);
    CHECK(l.m.n_files == 5);
    static const uint64_t dead[][2] = {{0, 0}, {0, 5}, {UINT64_MAX, 7}};
    for (uint64_t g = 2; g <= 4; g++) {
        pm_snapshot *s = open_ok(g);
        const uint64_t *bits = dead[g - 2];
        check_part(&s->parts[0], bits[0]);
        check_part(&s->parts[1], bits[1]);
        CHECK(s->parts[0].has_removals == (g == 4));
        CHECK(s->parts[1].has_removals == (g >= 3));
        CHECK(s->live_docs == s->parts[0].live_docs + s->parts[1].live_docs);
        CHECK(s->live_tokens == s->parts[0].live_tokens + s->parts[1].live_tokens);
        CHECK(s->n_docs == kinds[0].entry.n_docs + kinds[1].entry.n_docs);
        CHECK(s->parts[1].doc_base == kinds[0].entry.n_docs);
        pm_snapshot_unref(s);
    }
    pm_error err;
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_OK);
    end(&l);
}

/* What a writer's session has deleted beside the sidecars. */
static void test_a_session_has_deletions_of_its_own(void) {
    line l;
    pm_error err;
    pm_snapshot *s;
    begin(&l);
    add(&l, 0);
    add(&l, 1);
    commit(&l);
    delete_docs(&l, 1, 5);
    add(&l, 0); /* no generation names it */
    const uint64_t own = 2;
    const uint64_t *const dead[] = {&own, &own, NULL};
    CHECK(pm_snapshot_of_entries("index", &l.m, l.entries, dead, 3, PM_MAP_AUTO, &s,
                                 &err) == PM_OK);
    CHECK(s->generation == 2 && s->n_parts == 3 && !s->analyzer_differs);
    CHECK(strcmp(s->manifest.fields[1], "text") == 0);
    check_part(&s->parts[0], 2);
    check_part(&s->parts[1], 7);
    check_part(&s->parts[2], 0);
    pm_snapshot_unref(s);
    CHECK(pm_snapshot_of_entries("index", &l.m, l.entries, NULL, 3, PM_MAP_AUTO, &s,
                                 &err) == PM_OK);
    check_part(&s->parts[0], 0);
    check_part(&s->parts[1], 5);
    pm_snapshot_unref(s);
    CHECK(mem_unlink("index/0000000001.seg") == 0);
    CHECK(pm_snapshot_of_entries("index", &l.m, l.entries, NULL, 3, PM_MAP_AUTO, &s,
                                 &err) == PM_CORRUPT);
    CHECK(s == NULL && strstr(err.message, "0000000001.seg") != NULL);
    end(&l);
}

/* ---- what a commit keeps ---- */

static void test_the_newest_stay_and_the_young(void) {
    line l;
    begin(&l);
    for (int i = 0; i < 4; i++) { /* 2 to 5, half an hour apart */
        mem_clock_s = noon + (i + 1) * HOUR / 2;
        commit(&l);
    }
    /* at 2 hours: 5 is new, 4 and 3 stay by number, 3 by time too, 2 is an hour and a
     * half old, and 1 is from noon, by the time of its file */
    CHECK(l.m.n_generations == 3 && l.m.generations[0].number == 3);
    mem_clock_s = noon + 100 * HOUR;
    commit(&l);
    CHECK(l.m.n_generations == 3 && l.m.generations[0].number == 4);
    for (int i = 0; i < 10; i++) {
        commit(&l);
    }
    CHECK(l.m.n_generations == 11 && l.m.generations[0].number == 6);
    mem_clock_s += HOUR; /* to the second */
    commit(&l);
    CHECK(l.m.n_generations == 12);
    mem_clock_s++;
    commit(&l);
    CHECK(l.m.n_generations == 3 && l.m.generations[2].number == 18);
    end(&l);
}

static void test_a_build_is_as_old_as_its_manifest(void) {
    line l;
    begin(&l);
    CHECK(l.m.generations[0].published == 0 && l.m.file_time == noon);
    mem_clock_s = noon + HOUR;
    commit(&l);
    CHECK(l.m.generations[0].published == noon);
    CHECK(l.m.generations[1].published == noon + HOUR);
    commit(&l);
    commit(&l);
    CHECK(l.m.n_generations == 4);
    mem_clock_s++;
    commit(&l);
    CHECK(l.m.n_generations == 4 && l.m.generations[0].number == 2);
    end(&l);
}

static void test_a_clock_that_jumps_keeps_nothing_for_ever(void) {
    line l;
    begin(&l);
    mem_clock_s = noon + 1000 * HOUR; /* wrong */
    commit(&l);
    commit(&l);
    mem_clock_s = noon;
    commit(&l);
    commit(&l);
    commit(&l);
    /* 2 and 3, from the future, are gone; 1 is not an hour old */
    CHECK(l.m.n_generations == 4 && l.m.generations[0].number == 1);
    CHECK(l.m.generations[1].number == 4);
    mem_clock_s = noon - 600; /* put right by a little: all count as young */
    commit(&l);
    CHECK(l.m.n_generations == 5);
    mem_clock_s = -5; /* no clock at all */
    commit(&l);
    CHECK(l.m.n_generations == 3 && l.m.generations[2].published == 1);
    check_in_force(&l);
    end(&l);
}

static void test_retain_is_what_the_manifest_says(void) {
    line l;
    begin(&l);
    l.m.retain = 1;
    l.m.retain_seconds = 0;
    for (uint64_t g = 2; g < 5; g++) {
        mem_clock_s++;
        commit(&l);
        CHECK(l.m.n_generations == 1 && l.m.generations[0].number == g);
    }
    commit(&l); /* within the same second */
    CHECK(l.m.n_generations == 2);
    l.m.retain = 1000;
    for (int i = 0; i < 50; i++) {
        mem_clock_s += HOUR;
        commit(&l);
    }
    CHECK(l.m.n_generations == 52);
    end(&l);
}

static void test_limits_are_told(void) {
    line l;
    pm_error err;
    bool renamed = true;
    begin(&l);
    add(&l, 0);
    add(&l, 0);
    l.entries[1].n_docs = PM_END - l.entries[0].n_docs;
    CHECK(try_commit(&l, &renamed, &err) == PM_LIMIT && !renamed);
    l.n = 1;
    l.m.generations[0].number = UINT64_MAX;
    CHECK(try_commit(&l, &renamed, &err) == PM_LIMIT && !renamed);
    end(&l);
}

/* ---- what a sweep takes ---- */

static void test_the_sweep_takes_what_writers_left(void) {
    static const char *const ours[] = {"0000000009.seg", "0000000010.del",
                                       "12345678901234567890.seg", "manifest.new",
                                       "scratch-12-3"};
    static const char *const theirs[] = {
        "lock",         "notes.txt",        "000000009.seg",   "0000000009.csv",
        "0000000009",   "0000000009.segs",  "a0000000009.seg", "0000000009.seg.bak",
        "scratch",      "scratch-1",        "scratch-1-",      "scratch-a-1",
        "scratch-1-2x", "manifest.new.old", ".hidden",         "manifest.newer",
        "2024.del",     "0000000009.SEG"};
    line l;
    begin(&l);
    add(&l, 0);
    add(&l, 1);
    delete_docs(&l, 0, 1);
    commit(&l);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        char path[128];
        snprintf(path, sizeof path, "index/%s", ours[i]);
        mem_set(path, (const uint8_t *)"x", 1);
    }
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        char path[128];
        snprintf(path, sizeof path, "index/%s", theirs[i]);
        mem_set(path, (const uint8_t *)"x", 1);
    }
    CHECK(mem_make_dir("index/0000000077.seg") == 0);
    pm_commit_sweep("index", &l.m);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        CHECK(!stands(ours[i]));
    }
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        CHECK(stands(theirs[i]));
    }
    CHECK(stands("0000000077.seg") && stands("manifest"));
    CHECK(stands("0000000001.seg") && stands("0000000002.seg") &&
          stands("0000000003.del"));
    pm_error err;
    CHECK(pm_snapshot_verify("index", NULL, &err) == PM_OK);
    end(&l);
}

static void test_a_generation_goes_with_its_files(void) {
    line l;
    pm_error err;
    pm_snapshot *s;
    begin(&l);
    add(&l, 0);
    commit_and_sweep(&l);
    pm_snapshot *kept = open_ok(2);
    delete_docs(&l, 0, 1);
    commit_and_sweep(&l);
    l.n = 0;
    add(&l, 1);
    mem_clock_s += 2 * HOUR;
    commit_and_sweep(&l);
    CHECK(stands("0000000001.seg") && stands("0000000002.del"));
    commit_and_sweep(&l); /* 3 stays, and with it the first segment */
    CHECK(stands("0000000001.seg") && stands("0000000002.del"));
    s = open_ok(3);
    CHECK(s->n_parts == 1 && s->live_docs == kinds[0].entry.n_docs - 1);
    pm_snapshot_unref(s);
    commit_and_sweep(&l);
    CHECK(!stands("0000000001.seg") && !stands("0000000002.del"));
    CHECK(stands("0000000003.seg") && l.m.n_files == 1 && l.m.next_file == 4);
    CHECK(pm_snapshot_open("index", 3, PM_MAP_AUTO, &s, &err) == PM_GONE);
    CHECK(strstr(err.message, "newest is 6") != NULL && s == NULL);
    CHECK(pm_snapshot_open("index", 7, PM_MAP_AUTO, &s, &err) == PM_GONE);
    CHECK(strstr(err.message, "no generation 7") != NULL);
    CHECK(kept->generation == 2 && kept->n_parts == 1); /* who has it, has it */
    CHECK(pm_segment_verify(&kept->parts[0].segment, NULL, &err) == PM_OK);
    pm_snapshot_unref(kept);
    end(&l);
}

/* ---- calls that fail ---- */

static struct {
    long calls, fail_at;
    bool rename_first; /* the call is done, and fails all the same */
} faults;

static bool fails(void) {
    if (++faults.calls != faults.fail_at) {
        return false;
    }
    errno = EIO;
    return true;
}

static int f_open(const char *path, int flags, int mode) {
    return fails() ? -1 : mem_open(path, flags, mode);
}
static int f_close(int fd) {
    int done = mem_close(fd);
    return fails() ? -1 : done;
}
static int64_t f_write(int fd, const void *from, size_t n) {
    return fails() ? -1 : mem_write(fd, from, n);
}
static int f_sync(int fd) {
    return fails() ? -1 : mem_sync(fd);
}
static int f_rename(const char *from, const char *to) {
    if (fails()) {
        int done = faults.rename_first ? mem_rename(from, to) : 0;
        errno = EIO;
        return done < 0 ? done : -1;
    }
    return mem_rename(from, to);
}
static int f_stat_path(const char *path, pm_stat *out) {
    return fails() ? -1 : mem_stat_path(path, out);
}
static int f_unlink(const char *path) {
    return fails() ? -1 : mem_unlink(path);
}
static int f_list_dir(const char *path, int (*visit)(void *, const char *), void *ctx) {
    return fails() ? -1 : mem_list_dir(path, visit, ctx);
}

static pm_sys faulty;

static void set_faults(void) {
    faulty = mem_sys;
    faulty.open = f_open;
    faulty.close = f_close;
    faulty.write = f_write;
    faulty.sync = f_sync;
    faulty.rename = f_rename;
    faulty.stat_path = f_stat_path;
    faulty.unlink = f_unlink;
    faulty.list_dir = f_list_dir;
}

/* The state on disk: 2 segments, or the 3 of the failed commit. */
static uint32_t count_parts(void) {
    pm_error err;
    pm_snapshot *s = open_ok(0);
    uint32_t n = s->n_parts;
    CHECK(s->generation == n && pm_snapshot_verify("index", NULL, &err) == PM_OK);
    pm_snapshot_unref(s);
    return n;
}

/* Returns whether a call failed. */
static bool fail_publishing(long i) {
    line l;
    pm_error err;
    bool renamed = true;
    begin(&l);
    add(&l, 0);
    add(&l, 1);
    commit(&l);
    add(&l, 0);
    faults.calls = 0;
    faults.fail_at = i;
    pm_status status = try_commit(&l, &renamed, &err);
    bool met = faults.calls >= i;
    faults.fail_at = 0;
    if (status == PM_OK) {
        CHECK(renamed && count_parts() == 3);
    } else {
        CHECK(met && status == PM_IO && err.os_errno == EIO && err.file[0] != 0);
        uint32_t n = count_parts();
        CHECK(renamed ? n == 2 || n == 3 : n == 2);
        CHECK(renamed || !stands(PM_MANIFEST_NEW) || i == 1);
        if (!renamed) { /* the writer goes on */
            CHECK(try_commit(&l, &renamed, &err) == PM_OK && count_parts() == 3);
        }
    }
    pm_commit_sweep("index", &l.m);
    end(&l);
    return met;
}

static void test_publishing_fails_whole(void) {
    for (int first = 0; first < 2; first++) {
        long n = 1;
        faults.rename_first = first == 1;
        while (fail_publishing(n)) {
            n++;
        }
        CHECK(n > 10);
    }
}

/* Of all calls, the rename alone leaves it open whether it happened. */
static void test_a_rename_that_failed_may_have_happened(void) {
    line l;
    pm_error err;
    bool renamed = false;
    pm_status status = PM_OK;
    begin(&l);
    faults.rename_first = true;
    for (long i = 1; status == PM_OK || !renamed; i++) {
        faults.calls = 0;
        faults.fail_at = i;
        status = try_commit(&l, &renamed, &err);
        CHECK(faults.calls >= i);
    }
    faults.fail_at = 0;
    CHECK(strstr(err.message, "rename") != NULL);
    pm_snapshot *s = open_ok(0);
    CHECK(s->generation == l.m.generations[l.m.n_generations - 1].number + 1);
    pm_snapshot_unref(s);
    end(&l);
}

static void test_a_sweep_that_fails_does_no_harm(void) {
    for (long i = 1;; i++) {
        line l;
        begin(&l);
        add(&l, 0);
        commit(&l);
        mem_set("index/0000000008.seg", NULL, 0);
        mem_set("index/0000000009.seg", NULL, 0);
        faults.calls = 0;
        faults.fail_at = i;
        pm_commit_sweep("index", &l.m);
        bool met = faults.calls >= i;
        faults.fail_at = 0;
        CHECK(stands("0000000001.seg"));
        pm_commit_sweep("index", &l.m);
        CHECK(!stands("0000000008.seg") && !stands("0000000009.seg"));
        end(&l);
        if (!met) {
            CHECK(i == 4);
            return;
        }
    }
}

/* ---- readers ---- */

static atomic_bool writing_ends;
static atomic_long opened;

/* Each generation consists of copies of one kind, as many as its number says. */
static void check_whole(const pm_snapshot *s) {
    uint64_t expected = s->generation > 1 ? 1 + s->generation % 7 : 0;
    const pm_entry *kind = &kinds[s->generation % KINDS].entry;
    CHECK(s->n_parts == expected);
    for (uint32_t i = 0; i < s->n_parts; i++) {
        CHECK(s->parts[i].segment.info.n_docs == kind->n_docs);
        CHECK(s->parts[i].has_removals == (s->generation % 3 == 0));
    }
}

static void *read_on(void *ctx) {
    uint64_t last = 0;
    (void)ctx;
    while (!atomic_load(&writing_ends)) {
        pm_snapshot *s = open_ok(0);
        check_whole(s);
        CHECK(s->generation >= last);
        last = s->generation;
        pm_snapshot_unref(s);
        atomic_fetch_add(&opened, 1);
    }
    return NULL;
}

static void write_generation(line *l, uint64_t g) {
    l->n = 0;
    for (uint64_t i = 0; i < 1 + g % 7; i++) {
        add(l, g % KINDS);
        if (g % 3 == 0) {
            delete_docs(l, (uint32_t)i, 2);
        }
    }
    mem_clock_s++;
    commit_and_sweep(l);
}

static void test_readers_see_one_generation_while_others_are_swept(void) {
    line l;
    pthread_t readers[2];
    begin(&l);
    l.m.retain = 1;
    l.m.retain_seconds = 0; /* whatever is not the newest goes at once */
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&readers[i], NULL, read_on, NULL) == 0);
    }
    uint64_t g = 2;
    for (; g < 1000 || (atomic_load(&opened) < 1000 && g < 100000); g++) {
        write_generation(&l, g);
        CHECK(mem_count_nodes() <= 2 + 2 * 7);
    }
    atomic_store(&writing_ends, true);
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_join(readers[i], NULL) == 0);
    }
    CHECK(atomic_load(&opened) >= 1000);
    end(&l);
}

int main(void) {
    make_kinds();
    test_each_commit_is_a_generation();
    test_sidecars_say_what_lives();
    test_a_session_has_deletions_of_its_own();
    test_the_newest_stay_and_the_young();
    test_a_build_is_as_old_as_its_manifest();
    test_a_clock_that_jumps_keeps_nothing_for_ever();
    test_retain_is_what_the_manifest_says();
    test_limits_are_told();
    test_the_sweep_takes_what_writers_left();
    test_a_generation_goes_with_its_files();
    test_readers_see_one_generation_while_others_are_swept();
    set_faults();
    pm_sys_replace(&faulty);
    test_publishing_fails_whole();
    test_a_rename_that_failed_may_have_happened();
    test_a_sweep_that_fails_does_no_harm();
    free_kinds();
    printf("test_commit: ok, %ld snapshots while others wrote\n", atomic_load(&opened));
    return 0;
}
