/* The public face of the core: the only header that python/ and outside programs
 * include. All strings are UTF-8. Objects marked "shared" may be used by several
 * threads at once. Every function that can fail takes a pm_error last. */
#ifndef PRESSMARK_H
#define PRESSMARK_H

#include "base/status.h"
#include "base/table.h"
#include "base/task.h"
#include "base/unzstd.h"   /* compressed sources: pm_unzstd_* */
#include "index/builder.h" /* building: pm_builder_* */
#include "index/writer.h"  /* adding, updating, deleting: pm_writer_* */
#include "analysis/concordance.h"
#include "query/delete.h" /* pm_delete_where */
#include "query/hits.h"
#include "query/listing.h"
#include "query/rank.h"
/* pm_query, pm_node, pm_limits, pm_parse, pm_build_phrase, pm_build_near */
#include "query/parse.h"

/* Static strings. */
const char *pm_version(void);      /* of the build; "unknown" where it was not told */
const char *pm_kernels_name(void); /* which kernels run: "scalar", "avx2", "avx512" */

/* ---- text ---- */
const char *const *pm_language_names(void); /* NULL-terminated */
/* ---- an open index (shared) ---- */
struct pm_snapshot;
typedef struct pm_snapshot pm_index;
typedef enum pm_open_mode { PM_OPEN_AUTO, PM_OPEN_MAP, PM_OPEN_READ } pm_open_mode;
/* generation 0: the newest. The caller owns *out: pm_index_unref. PM_FOREIGN where path
 * is no index, PM_GONE where the generation is not retained. O(sections). */
pm_status pm_index_open(const char *path, uint64_t generation, pm_open_mode mode,
                        pm_index **out, pm_error *err) PM_MUST_CHECK;
/* Another owner, from any thread; the last unref closes. */
pm_index *pm_index_ref(pm_index *idx);
void pm_index_unref(pm_index *idx);
/* Reads and decodes every file of the index at path; PM_CORRUPT names the first
 * damage. */
pm_status pm_index_verify(const char *path, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;

typedef struct pm_index_facts {
    /* n_tokens, n_docs: without deleted documents; n_words: distinct surfaces, counted
     * once a segment */
    uint64_t generation, fingerprint, n_tokens, n_words;
    uint32_t n_docs, n_segments, n_fields;
    uint32_t doc_bound; /* documents are numbered below it, deleted ones too */
    const char *lang, *main_field, *date_column, *key_column;
    const char *const *fields;
    /* those that are retained, by number; published 0: at file_time */
    uint32_t n_generations;
    const pm_generation *generations;
    int64_t file_time; /* when the manifest was written, seconds since 1970 */
    bool store, analyzer_differs;
} pm_index_facts;
/* Borrowed until unref. */
void pm_index_get_facts(const pm_index *idx, pm_index_facts *out);
/* Documents are numbered over all segments in the order of indexing. */
pm_status pm_index_find(const pm_index *idx, pm_bytes key, uint32_t *doc,
                        pm_error *err) PM_MUST_CHECK; /* PM_END: none */
/* ---- queries ---- */
/* Parses against the index's fields and columns. The pm_query is the caller's:
 * pm_query_release. */
pm_status pm_index_parse(const pm_index *idx, const char *text, size_t n_bytes,
                         pm_parse_mode mode, const pm_limits *limits,
                         const pm_named *named, uint32_t n_named, pm_query *out,
                         pm_error *err) PM_MUST_CHECK;

/* Listing: query/listing.h (pm_tokenize_table, pm_index_columns, _sections, _documents,
 * _values, _text, _tokens, _words). Hits: query/hits.h (pm_where, pm_hits_*, pm_count).
 * Ranking: query/rank.h (pm_search). Contexts: analysis/concordance.h
 * (pm_hits_kwic). */

#endif
