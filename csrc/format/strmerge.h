/* Several sorted lists of strings walked as one, equal strings one after the other in
 * the order of their lists. */
#ifndef PM_FORMAT_STRMERGE_H
#define PM_FORMAT_STRMERGE_H

#include "format/strings.h"

typedef struct pm_strmerge {
    /* What stands here: string `rank` of list `list`; is_new: it differs from the one
     * before. text is borrowed until the next call. */
    uint32_t list, rank;
    bool is_new;
    pm_bytes text;
    /* Inner: */
    struct pm_strmerge_list *lists;
    uint32_t *heap; /* of list numbers, least string first */
    uint32_t n_lists, n_heap;
    pm_buf before; /* the different string that was given last */
    bool started, bad;
} pm_strmerge;

/* Room for n lists. The lists' bytes are borrowed until release. */
pm_status pm_strmerge_init(pm_strmerge *m, uint32_t n, pm_error *err) PM_MUST_CHECK;
void pm_strmerge_release(pm_strmerge *m); /* safe on zeros */
/* All lists are added before the first step. */
void pm_strmerge_add(pm_strmerge *m, const pm_strings *list);
/* The first, then each further string; false at the end or after damage (bad), which
 * is: what cannot be decoded, or does not increase within its list (m->list tells
 * which). Cost O(log lists). */
bool pm_strmerge_next(pm_strmerge *m);
/* After false: PM_OK at the end, PM_NOMEM, or PM_CORRUPT without a message. */
pm_status pm_strmerge_status(const pm_strmerge *m);

#endif
