/* A binary heap of lists by their current strings, the first eight bytes of which are
 * compared as a number. */
#include "format/strmerge.h"

#include "base/sys.h"

typedef struct pm_strmerge_list {
    pm_strings_iter it; /* text: the current string */
    uint64_t head;
} list;

pm_status pm_strmerge_init(pm_strmerge *m, uint32_t n, pm_error *err) {
    *m = (pm_strmerge){.lists = pm_alloc_array(n, sizeof *m->lists),
                       .heap = pm_alloc_array(n, sizeof *m->heap)};
    pm_buf_init(&m->before);
    if (m->lists == NULL || m->heap == NULL) {
        pm_strmerge_release(m);
        return pm_fail_nomem(err, n * sizeof *m->lists);
    }
    return PM_OK;
}

void pm_strmerge_release(pm_strmerge *m) {
    for (uint32_t i = 0; i < m->n_lists; i++) {
        pm_strings_iter_release(&m->lists[i].it);
    }
    pm_free(m->lists);
    pm_free(m->heap);
    pm_buf_release(&m->before);
    *m = (pm_strmerge){.n_lists = 0};
}

/* ---- order ---- */

static uint64_t head_of(pm_bytes s) {
    uint8_t bytes[8] = {0};
    if (s.n > 0) {
        memcpy(bytes, s.p, s.n < sizeof bytes ? s.n : sizeof bytes);
    }
    return __builtin_bswap64(pm_load64(bytes));
}

/* Whether list a comes before list b. */
static bool before(const pm_strmerge *m, uint32_t a, uint32_t b) {
    const list *x = &m->lists[a], *y = &m->lists[b];
    if (x->head != y->head) {
        return x->head < y->head;
    }
    int order = pm_bytes_compare(pm_buf_bytes(&x->it.text), pm_buf_bytes(&y->it.text));
    return order != 0 ? order < 0 : a < b;
}

/* Puts a list where it belongs from place i down. */
static void sift_down(pm_strmerge *m, uint32_t i, uint32_t number) {
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < m->n_heap && before(m, m->heap[child + 1], m->heap[child])) {
            child++;
        }
        if (child >= m->n_heap || !before(m, m->heap[child], number)) {
            break;
        }
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = number;
}

static void sift_up(pm_strmerge *m, uint32_t i, uint32_t number) {
    while (i > 0 && before(m, number, m->heap[(i - 1) / 2])) {
        m->heap[i] = m->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    m->heap[i] = number;
}

/* ---- walking ---- */

/* The list's next string; false at its end, or after damage. */
static bool step(pm_strmerge *m, uint32_t number) {
    list *l = &m->lists[number];
    if (!pm_strings_iter_next(&l->it)) {
        m->list = number;
        m->bad = m->bad || l->it.i < l->it.list.n || l->it.bad;
        return false;
    }
    l->head = head_of(pm_buf_bytes(&l->it.text));
    return true;
}

void pm_strmerge_add(pm_strmerge *m, const pm_strings *strings) {
    uint32_t number = m->n_lists++;
    pm_strings_iter_init(&m->lists[number].it, strings, 0);
    if (step(m, number)) {
        sift_up(m, m->n_heap++, number);
    }
}

/* Moves the list that stood on top to its next string. */
static void advance(pm_strmerge *m) {
    uint32_t number = m->heap[0];
    if (!step(m, number)) {
        number = m->heap[--m->n_heap];
    } else if (pm_bytes_compare(pm_buf_bytes(&m->before),
                                pm_buf_bytes(&m->lists[number].it.text)) >= 0) {
        m->list = number;
        m->bad = true;
    }
    if (m->n_heap > 0) {
        sift_down(m, 0, number);
    }
}

bool pm_strmerge_next(pm_strmerge *m) {
    if (m->started && !m->bad && m->n_heap > 0) {
        advance(m);
    }
    if (m->bad || m->n_heap == 0) {
        return false;
    }
    const list *l = &m->lists[m->heap[0]];
    m->list = m->heap[0];
    m->rank = l->it.i - 1;
    m->text = pm_buf_bytes(&l->it.text);
    m->is_new = !m->started || pm_bytes_compare(m->text, pm_buf_bytes(&m->before)) != 0;
    if (m->is_new) {
        pm_buf_clear(&m->before);
        pm_buf_put(&m->before, m->text.p, m->text.n);
        m->bad = m->before.failed;
    }
    m->started = true;
    return !m->bad;
}

pm_status pm_strmerge_status(const pm_strmerge *m) {
    bool failed = m->before.failed;
    for (uint32_t i = 0; i < m->n_lists; i++) {
        failed = failed || m->lists[i].it.text.failed;
    }
    return failed ? PM_NOMEM : m->bad ? PM_CORRUPT : PM_OK;
}
