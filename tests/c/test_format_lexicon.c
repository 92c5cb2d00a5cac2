/* The lexicon and the keys against the arrays that they were written from. */
#include "format/keys.h"
#include "format/lexicon.h"
#include "format/strsort.h"
#include "format/recipe.h"
#include "format_damage.h"

static const uint32_t known[] = {
    PM_FOURCC('L', 'E', 'X', 'I'), PM_FOURCC('F', 'O', 'R', 'M'),
    PM_FOURCC('S', 'T', 'E', 'M'), PM_FOURCC('S', 'U', 'R', 'F'),
    PM_FOURCC('U', 'N', 'A', 'C'), PM_FOURCC('K', 'E', 'Y', 'S')};
enum { N_KNOWN = sizeof known / sizeof *known, N_SURFACES = 9, MAX_FORMS = 4 };

static uint64_t seed = 5;

/* ---- a lexicon as arrays ---- */

typedef struct word {
    char stem[24], form[32], surface[40], bare_stem[24], bare_form[32];
    uint32_t count, case_class, group_count;
} word;

typedef struct plain_lexicon {
    pm_lexicon_data data;
    word *words; /* one for each id, in order */
    uint32_t *group_forms, *form_ids, *id_counts;
    uint8_t *id_cases;
    pm_bytes *stems, *forms, *surfaces, *bare_stems, *bare_forms;
} plain_lexicon;

static int compare_words(const void *a, const void *b) {
    const word *x = a, *y = b;
    if (x->group_count != y->group_count) {
        return x->group_count > y->group_count ? -1 : 1;
    }
    int order = strcmp(x->stem, y->stem);
    order = order != 0 ? order : strcmp(x->form, y->form);
    order = order != 0 ? order : (int)x->case_class - (int)y->case_class;
    return order != 0 ? order : strcmp(x->surface, y->surface);
}

/* Surface s of a form: made by a recipe, or not. */
static void make_surface(word *w, unsigned s) {
    static const struct {
        const char *before, *after;
        bool capital;
        uint32_t case_class;
    } shapes[N_SURFACES] = {{"", "", false, 0},        {"", "", true, 1},
                            {"", "'s", true, 1},       {"", "\xe2\x80\x99s", false, 0},
                            {"#", "", true, 1},        {"@", "", false, 0},
                            {"$", "", false, 0},       {"\xc2\xab", "", false, 3},
                            {"", ".\xc3\x89", true, 3}};
    snprintf(w->surface, sizeof w->surface, "%s%s%s", shapes[s].before, w->form,
             shapes[s].after);
    w->case_class = shapes[s].case_class;
    char *first = w->surface + strlen(shapes[s].before);
    if (shapes[s].capital && *first >= 'a' && *first <= 'z') {
        *first = (char)(*first - 'a' + 'A');
    }
}

/* Words of group g: up to MAX_FORMS forms, of which one may be the stem, each in a few
 * surfaces. */
static uint32_t make_group(word *to, uint32_t g) {
    static const char *const endings[MAX_FORMS] = {"", "ing", "\xc3\xa9", "s"};
    static const char *const bare_endings[MAX_FORMS] = {"", "", "e", ""};
    uint32_t n = 0, n_forms = 1 + rnd_below(&seed, MAX_FORMS);
    bool accent = rnd_below(&seed, 3) == 0, stem_is_form = rnd_below(&seed, 3) > 0;
    char letter = (char)('a' + rnd_below(&seed, 26));
    for (uint32_t f = 0; f < n_forms; f++) {
        uint32_t n_surfaces = 1 + rnd_below(&seed, N_SURFACES);
        for (uint32_t s = 0; s < n_surfaces; s++) {
            word *w = &to[n++];
            const char *root = stem_is_form ? "" : "+";
            snprintf(w->stem, sizeof w->stem, "%c%s%u%s", letter,
                     accent ? "\xc3\xa9" : "", g, root);
            snprintf(w->form, sizeof w->form, "%c%s%u%s", letter,
                     accent ? "\xc3\xa9" : "", g, endings[f]);
            if (accent) {
                snprintf(w->bare_stem, sizeof w->bare_stem, "%ce%u%s", letter, g / 2,
                         root);
            }
            if (accent || bare_endings[f][0] != 0) {
                snprintf(w->bare_form, sizeof w->bare_form, "%ce%u%s", letter, g / 2,
                         bare_endings[f]);
            }
            w->count = 1 + rnd_below(&seed, 3) * rnd_below(&seed, 50);
            make_surface(w, s);
        }
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += to[i].count;
    }
    for (uint32_t i = 0; i < n; i++) {
        to[i].group_count = sum;
    }
    return n;
}

static pm_bytes text_of(const char *s) {
    return (pm_bytes){(const uint8_t *)s, strlen(s)};
}

static plain_lexicon make_lexicon(uint32_t n_groups) {
    uint32_t most = n_groups * MAX_FORMS * N_SURFACES, n = 0;
    plain_lexicon p = {.words = room(most, sizeof(word))};
    for (uint32_t g = 0; g < n_groups; g++) {
        n += make_group(p.words + n, g);
    }
    qsort(p.words, n, sizeof *p.words, compare_words);
    p.group_forms = room(n + 1, 4);
    p.form_ids = room(n + 1, 4);
    p.id_counts = room(n, 4);
    p.id_cases = room(n, 1);
    p.stems = room(n, sizeof(pm_bytes));
    p.forms = room(n, sizeof(pm_bytes));
    p.surfaces = room(n, sizeof(pm_bytes));
    p.bare_stems = room(n, sizeof(pm_bytes));
    p.bare_forms = room(n, sizeof(pm_bytes));
    pm_lexicon_data d = {
        0,          0,       n,       p.group_forms, p.form_ids,   p.id_counts,
        p.id_cases, p.stems, p.forms, p.surfaces,    p.bare_stems, p.bare_forms,
        NULL};
    for (uint32_t i = 0; i < n; i++) {
        const word *w = &p.words[i];
        if (i == 0 || strcmp(w->form, w[-1].form) != 0) {
            if (i == 0 || strcmp(w->stem, w[-1].stem) != 0) {
                p.group_forms[d.n_groups] = d.n_forms;
                p.stems[d.n_groups] = text_of(w->stem);
                p.bare_stems[d.n_groups++] = text_of(w->bare_stem);
            }
            p.form_ids[d.n_forms] = i;
            p.forms[d.n_forms] = text_of(w->form);
            p.bare_forms[d.n_forms++] = text_of(w->bare_form);
        }
        p.surfaces[i] = text_of(w->surface);
        p.id_counts[i] = w->count;
        p.id_cases[i] = (uint8_t)w->case_class;
    }
    p.group_forms[d.n_groups] = d.n_forms;
    p.form_ids[d.n_forms] = n;
    p.data = d;
    return p;
}

static void free_lexicon(plain_lexicon *p) {
    free(p->words);
    free(p->group_forms);
    free(p->form_ids);
    free(p->id_counts);
    free(p->id_cases);
    free(p->stems);
    free(p->forms);
    free(p->surfaces);
    free(p->bare_stems);
    free(p->bare_forms);
}

/* ---- comparisons ---- */

static bool is_text(const pm_buf *b, pm_bytes text) {
    return pm_bytes_compare(pm_buf_bytes(b), text) == 0;
}

static void compare_groups(const pm_lexicon *lex, const pm_lexicon_data *d,
                           pm_buf *text) {
    for (pm_group g = 0; g < d->n_groups; g++) {
        pm_range forms = pm_lexicon_group_forms(lex, g),
                 ids = pm_lexicon_group_ids(lex, g);
        CHECK(forms.lo == d->group_forms[g] && forms.hi == d->group_forms[g + 1]);
        CHECK(ids.lo == d->form_ids[forms.lo] && ids.hi == d->form_ids[forms.hi]);
        pm_group found;
        CHECK(pm_lexicon_group_stem(lex, g, text) && is_text(text, d->stems[g]));
        CHECK(pm_lexicon_find_group(lex, d->stems[g], text, &found) && found == g);
    }
}

static void compare_forms(const pm_lexicon *lex, const pm_lexicon_data *d,
                          pm_buf *text) {
    for (pm_group g = 0; g < d->n_groups; g++) {
        for (pm_form f = d->group_forms[g]; f < d->group_forms[g + 1]; f++) {
            pm_range ids = pm_lexicon_form_ids(lex, f);
            pm_form found;
            CHECK(ids.lo == d->form_ids[f] && ids.hi == d->form_ids[f + 1]);
            CHECK(pm_lexicon_form_group(lex, f) == g);
            CHECK(pm_lexicon_form_text(lex, f, text) && is_text(text, d->forms[f]));
            CHECK(pm_lexicon_find_form(lex, d->forms[f], text, &found) && found == f);
            uint32_t rank = pm_lexicon_form_rank(lex, f);
            CHECK(pm_lexicon_ranked_form(lex, rank) == f);
            CHECK(pm_strings_get(&lex->forms, rank, text) &&
                  is_text(text, d->forms[f]));
            for (unsigned lo = 0; lo < 4; lo++) {
                for (unsigned hi = lo; hi < 4; hi++) {
                    pm_range r = pm_lexicon_case_ids(lex, f, lo, hi);
                    CHECK(r.lo <= r.hi && r.lo >= ids.lo && r.hi <= ids.hi);
                    for (pm_id id = ids.lo; id < ids.hi; id++) {
                        bool in = d->id_cases[id] >= lo && d->id_cases[id] <= hi;
                        CHECK(in == (id >= r.lo && id < r.hi));
                    }
                }
            }
        }
    }
}

static void compare_ids(const pm_lexicon *lex, const pm_lexicon_data *d, pm_buf *text) {
    uint64_t sum = 0;
    for (pm_form f = 0; f < d->n_forms; f++) {
        for (pm_id id = d->form_ids[f]; id < d->form_ids[f + 1]; id++) {
            CHECK(pm_lexicon_id_form(lex, id) == f);
            CHECK(pm_lexicon_id_count(lex, id) == d->id_counts[id]);
            CHECK(pm_lexicon_id_case(lex, id) == d->id_cases[id]);
            CHECK(pm_lexicon_surface(lex, id, text) && is_text(text, d->surfaces[id]));
            sum += d->id_counts[id];
        }
    }
    CHECK(pm_lexicon_ids_count(lex, (pm_range){0, UINT32_MAX}) == sum);
    uint8_t *seen = room(d->n_ids, 1);
    uint32_t n = 0;
    pm_surface_iter it;
    pm_surface_iter_init(&it, lex);
    for (; pm_surface_iter_next(&it); n++) {
        CHECK(it.id < d->n_ids && !seen[it.id] &&
              is_text(&it.text, d->surfaces[it.id]));
        seen[it.id] = 1;
    }
    CHECK(n == d->n_ids && !pm_surface_iter_next(&it));
    pm_surface_iter_release(&it);
    free(seen);
}

static void compare_bare(const pm_lexicon *lex, const pm_lexicon_data *d,
                         pm_buf *scratch) {
    uint32_t n_forms = 0, n_stems = 0;
    for (pm_form f = 0; f < d->n_forms; f++) {
        if (d->bare_forms[f].n == 0) {
            continue;
        }
        pm_range refs = pm_lexicon_find_bare_form(lex, d->bare_forms[f], scratch);
        uint32_t found = 0;
        for (uint32_t i = refs.lo; i < refs.hi; i++) {
            pm_form ref = pm_lexicon_bare_form_ref(lex, i);
            CHECK(pm_bytes_compare(d->bare_forms[ref], d->bare_forms[f]) == 0);
            found += ref == f;
        }
        CHECK(found == 1);
        n_forms++;
    }
    for (pm_group g = 0; g < d->n_groups; g++) {
        if (d->bare_stems[g].n > 0) {
            pm_range refs = pm_lexicon_find_bare_stem(lex, d->bare_stems[g], scratch);
            bool found = false;
            for (uint32_t i = refs.lo; i < refs.hi; i++) {
                found = found || pm_lexicon_bare_stem_ref(lex, i) == g;
            }
            CHECK(found);
            n_stems++;
        }
    }
    CHECK(n_forms == lex->n_bare_form_refs && n_stems == lex->n_bare_stem_refs);
    uint32_t keyed = 0;
    for (uint32_t k = 0; k < lex->bare_forms.n; k++) {
        pm_range refs = pm_lexicon_bare_form_refs(lex, k);
        keyed += refs.hi - refs.lo;
    }
    CHECK(keyed == n_forms);
}

static void compare_absent(const pm_lexicon *lex, pm_buf *scratch) {
    uint32_t n;
    static const char *const absent[] = {"", "a", "zzzz", "m1+x", "\xff"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        pm_range r = pm_lexicon_find_bare_form(lex, text_of(absent[i]), scratch);
        CHECK(!pm_lexicon_find_form(lex, text_of(absent[i]), scratch, &n));
        CHECK(!pm_lexicon_find_group(lex, text_of(absent[i]), scratch, &n));
        CHECK(r.lo == r.hi);
    }
    pm_range all = pm_lexicon_prefix(lex, text_of(""), scratch);
    CHECK(all.lo == 0 && all.hi == lex->n_forms);
    pm_range groups = pm_lexicon_group_ids(lex, lex->n_groups);
    pm_range forms = pm_lexicon_form_ids(lex, PM_END);
    CHECK(groups.lo == groups.hi && forms.lo == forms.hi);
    CHECK(pm_lexicon_id_form(lex, lex->n_ids) == PM_END &&
          pm_lexicon_id_count(lex, lex->n_ids) == 0);
    CHECK(pm_lexicon_form_group(lex, lex->n_forms) == PM_END);
    CHECK(pm_lexicon_bare_form_ref(lex, lex->n_bare_form_refs) == PM_END);
    CHECK(!pm_lexicon_surface(lex, lex->n_ids, scratch) &&
          !pm_lexicon_form_text(lex, PM_END, scratch));
    CHECK(!pm_lexicon_group_stem(lex, lex->n_groups, scratch));
}

static pm_hash128 write_lexicon(const pm_lexicon_data *d, const pm_scratch *scratch) {
    pm_container_writer *w = room(1, sizeof *w);
    pm_error err;
    begin_file(w);
    w->scratch = scratch;
    CHECK(pm_lexicon_write(w, d, &err) == PM_OK);
    pm_hash128 hash = end_file(w);
    free(w);
    return hash;
}

/* With forms in the order that the caller knows, and by way of files: the same. */
static void check_known_order(const pm_lexicon_data *d) {
    pm_lexicon_data known_order = *d;
    pm_scratch files = {test_dir, 0};
    pm_error err;
    uint32_t *order = room(d->n_forms, 4);
    CHECK(pm_strings_sort(d->forms, d->n_forms, order, &err) == PM_OK);
    known_order.form_order = order;
    pm_hash128 found = write_lexicon(d, NULL),
               given = write_lexicon(&known_order, &files);
    CHECK(found.lo == given.lo && found.hi == given.hi);
    free(order);
}

static void write_and_open(const pm_lexicon_data *d, pm_container *file) {
    (void)write_lexicon(d, NULL);
    open_file(file, known, N_KNOWN);
}

static void test_lexicon_gives_back_words(uint32_t n_groups) {
    plain_lexicon p = make_lexicon(n_groups);
    pm_container *file = room(1, sizeof *file);
    pm_buf text = {0};
    pm_lexicon lex;
    pm_error err;
    check_known_order(&p.data);
    write_and_open(&p.data, file);
    CHECK(pm_lexicon_open(&lex, file, &err) == PM_OK);
    CHECK(lex.n_groups == p.data.n_groups && lex.n_forms == p.data.n_forms &&
          lex.n_ids == p.data.n_ids);
    pm_status status = pm_lexicon_verify(&lex, NULL, &err);
    if (status != PM_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    CHECK(status == PM_OK);
    compare_groups(&lex, &p.data, &text);
    compare_forms(&lex, &p.data, &text);
    compare_ids(&lex, &p.data, &text);
    compare_bare(&lex, &p.data, &text);
    compare_absent(&lex, &text);
    pm_container_close(file);
    pm_buf_release(&text);
    free_lexicon(&p);
    free(file);
}

/* ---- verification ---- */

/* Writes the lexicon after a change of its arrays; verify must say no, and name the
 * section. */
static void check_refused(const pm_lexicon_data *d, const char *section) {
    pm_container *file = room(1, sizeof *file);
    pm_lexicon lex;
    pm_error err;
    write_and_open(d, file);
    CHECK(pm_lexicon_open(&lex, file, &err) == PM_OK);
    CHECK(pm_lexicon_verify(&lex, NULL, &err) == PM_CORRUPT &&
          strstr(err.message, section) != NULL);
    pm_container_close(file);
    free(file);
}

static void test_lexicon_out_of_order_fails_verification(void) {
    plain_lexicon p = make_lexicon(50);
    uint32_t last = p.data.n_ids - 1, f = 0;
    p.id_counts[last] += 1000000;
    check_refused(&p.data, "frequency");
    p.id_counts[last] -= 1000000;
    while (p.form_ids[f + 1] - p.form_ids[f] < 2) {
        f++;
    }
    uint32_t id = p.form_ids[f];
    pm_bytes swap = p.surfaces[id];
    p.surfaces[id] = p.surfaces[id + 1];
    p.surfaces[id + 1] = swap;
    p.id_cases[id + 1] = p.id_cases[id];
    check_refused(&p.data, "case class");
    free_lexicon(&p);
    p = make_lexicon(50);
    uint32_t g = 0;
    while (p.group_forms[g + 1] - p.group_forms[g] < 2) {
        g++;
    }
    pm_bytes form = p.forms[p.group_forms[g]];
    p.forms[p.group_forms[g]] = p.forms[p.group_forms[g] + 1];
    p.forms[p.group_forms[g] + 1] = form;
    check_refused(&p.data, "out of order");
    free_lexicon(&p);
}

/* ---- damage ---- */

static void walk_lexicon(const pm_lexicon *lex, pm_buf *text) {
    uint32_t n = lex->n_ids < 200 ? lex->n_ids : 200, at;
    for (uint32_t i = 0; i < n + 2; i++) {
        pm_range r[] = {pm_lexicon_group_forms(lex, i), pm_lexicon_form_ids(lex, i),
                        pm_lexicon_group_ids(lex, i),
                        pm_lexicon_case_ids(lex, i, 1, 2)};
        CHECK(r[0].lo <= r[0].hi && r[0].hi <= lex->n_forms);
        for (int k = 1; k < 4; k++) {
            CHECK(r[k].lo <= r[k].hi && r[k].hi <= lex->n_ids);
        }
        at = pm_lexicon_id_form(lex, i);
        CHECK(at == PM_END || at < lex->n_forms);
        at = pm_lexicon_form_group(lex, i);
        CHECK(at == PM_END || at < lex->n_groups);
        at = pm_lexicon_ranked_form(lex, i);
        CHECK(at == PM_END || at < lex->n_forms);
        (void)pm_lexicon_id_count(lex, i);
        (void)pm_lexicon_surface(lex, i, text);
        (void)pm_lexicon_form_text(lex, i, text);
        (void)pm_lexicon_group_stem(lex, i, text);
        (void)pm_lexicon_bare_form_ref(lex, i);
        (void)pm_lexicon_bare_stem_refs(lex, i);
    }
}

static void probe_lexicon(const pm_container *file, void *ctx) {
    const plain_lexicon *p = ctx;
    pm_lexicon lex;
    pm_error err;
    pm_buf text = {0};
    if (pm_lexicon_open(&lex, file, &err) == PM_OK) {
        uint32_t at;
        walk_lexicon(&lex, &text);
        for (uint32_t i = 0; i < p->data.n_groups; i++) {
            CHECK(!pm_lexicon_find_form(&lex, p->forms[i], &text, &at) ||
                  at < lex.n_forms);
            CHECK(!pm_lexicon_find_group(&lex, p->stems[i], &text, &at) ||
                  at < lex.n_groups);
            pm_range r = pm_lexicon_find_bare_form(&lex, p->bare_forms[i], &text);
            CHECK(r.lo <= r.hi && r.hi <= lex.n_bare_form_refs);
            r = pm_lexicon_find_bare_stem(&lex, p->bare_stems[i], &text);
            CHECK(r.lo <= r.hi && r.hi <= lex.n_bare_stem_refs);
            r = pm_lexicon_prefix(&lex, (pm_bytes){p->forms[i].p, 1}, &text);
            CHECK(r.lo <= r.hi && r.hi <= lex.n_forms);
        }
        pm_surface_iter it;
        pm_surface_iter_init(&it, &lex);
        while (pm_surface_iter_next(&it)) {
        }
        pm_surface_iter_release(&it);
        damage_any(pm_lexicon_verify(&lex, NULL, &err));
    }
    pm_buf_release(&text);
}

static void test_lexicon_damage_is_survived(void) {
    plain_lexicon p = make_lexicon(6);
    pm_container *file = room(1, sizeof *file);
    write_and_open(&p.data, file);
    damage_sweep(file, probe_lexicon, &p);
    pm_container_close(file);
    free_lexicon(&p);
    free(file);
}

/* ---- keys ---- */

static pm_status write_keys(const pm_bytes *keys, uint32_t n, pm_error *err) {
    pm_container_writer *w = room(1, sizeof *w);
    begin_file(w);
    pm_status status = pm_keys_write(w, keys, n, err);
    if (status == PM_OK) {
        end_file(w);
    } else {
        pm_container_abandon(w, test_path);
    }
    free(w);
    return status;
}

static void probe_keys(const pm_container *file, void *ctx) {
    uint32_t n = *(const uint32_t *)ctx;
    pm_keys keys;
    pm_error err;
    pm_buf text = {0};
    if (pm_keys_open(&keys, file, n, &err) == PM_OK) {
        for (pm_doc d = 0; d < n + 2; d++) {
            pm_doc found;
            (void)pm_keys_get(&keys, d, &text);
            pm_status status = pm_keys_find(&keys, pm_buf_bytes(&text), &found, &err);
            CHECK(status == PM_CORRUPT ||
                  (status == PM_OK && (found == PM_END || found < n)));
        }
        damage_any(pm_keys_verify(&keys, NULL, &err));
    }
    pm_buf_release(&text);
}

static void test_keys_lead_to_documents_and_back(uint32_t n, uint32_t factor) {
    char(*texts)[16] = room(n, sizeof *texts);
    pm_bytes *items = room(n, sizeof *items);
    pm_container *file = room(1, sizeof *file);
    pm_buf text = {0};
    pm_keys keys;
    pm_error err;
    for (uint32_t i = 0; i < n; i++) {
        snprintf(texts[i], sizeof texts[i], "doc/%06u", i * factor % 1000003);
        items[i] = text_of(texts[i]);
    }
    CHECK(write_keys(items, n, &err) == PM_OK);
    open_file(file, known, N_KNOWN);
    CHECK(pm_keys_open(&keys, file, n, &err) == PM_OK &&
          pm_keys_verify(&keys, NULL, &err) == PM_OK);
    for (pm_doc d = 0; d < n; d++) {
        pm_doc found;
        CHECK(pm_keys_get(&keys, d, &text) && is_text(&text, items[d]));
        CHECK(pm_keys_find(&keys, items[d], &found, &err) == PM_OK && found == d);
    }
    pm_doc found;
    CHECK(pm_keys_find(&keys, text_of("doc/"), &found, &err) == PM_OK &&
          found == PM_END);
    CHECK(pm_keys_find(&keys, text_of("zebra"), &found, &err) == PM_OK &&
          found == PM_END);
    CHECK(!pm_keys_get(&keys, n, &text));
    CHECK(pm_keys_open(&keys, file, n + 1, &err) == PM_CORRUPT);
    if (n < 50) {
        damage_sweep(file, probe_keys, &n);
    }
    pm_container_close(file);
    pm_buf_release(&text);
    free(file);
    free(items);
    free(texts);
}

static void test_keys_refuse_duplicates(void) {
    pm_bytes items[] = {text_of("b"), text_of("a"), text_of("b")};
    pm_error err;
    CHECK(write_keys(items, 3, &err) == PM_DUPLICATE && err.offset == 2);
}

/* ---- recipes ---- */

static void test_recipes_are_inverse(void) {
    static const char *const forms[] = {"iran", "a", "5000", "\xc3\xa9lys\xc3\xa9",
                                        "x's",  ""};
    pm_buf text = {0};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (unsigned r = 1; r < PM_RECIPES; r++) {
            pm_bytes form = text_of(forms[i]);
            pm_buf_clear(&text);
            pm_buf_put(&text, form.p, form.n);
            CHECK(pm_recipe_apply(r, &text));
            unsigned found = pm_recipe_find(form, pm_buf_bytes(&text));
            CHECK(found <= r && (found > 0 || text.n == 0));
            pm_buf again = {0};
            pm_buf_put(&again, form.p, form.n);
            CHECK(text.n == 0 || (pm_recipe_apply(found, &again) &&
                                  is_text(&again, pm_buf_bytes(&text))));
            pm_buf_release(&again);
        }
    }
    CHECK(!pm_recipe_apply(0, &text) && !pm_recipe_apply(PM_RECIPES, &text));
    CHECK(pm_recipe_find(text_of("us"), text_of("U.S.")) == 0);
    CHECK(pm_recipe_find(text_of("iran"), text_of("Iran\xe2\x80\x99s")) == 8);
    pm_buf_release(&text);
}

int main(void) {
    make_test_dir();
    test_recipes_are_inverse();
    static const uint32_t sizes[] = {0, 1, 2, 30, 1500};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        test_lexicon_gives_back_words(sizes[i]);
        test_keys_lead_to_documents_and_back(sizes[i], 1);
        test_keys_lead_to_documents_and_back(sizes[i], 7919);
    }
    test_lexicon_out_of_order_fails_verification();
    test_lexicon_damage_is_survived();
    test_keys_refuse_duplicates();
    printf("format_lexicon: ok\n");
    return 0;
}
