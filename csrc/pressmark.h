/* The public face of the core: the only header that python/ and outside programs include. All strings are UTF-8. Objects marked
 * "shared" may be used by several threads at once. Every function that can fail takes a pm_error last. */
#ifndef PRESSMARK_H
#define PRESSMARK_H

#include "base/status.h"
#include "base/table.h"
#include "base/task.h"
#include "index/builder.h" /* building: pm_builder_* */
#include "analysis/concordance.h"
#include "query/hits.h"
#include "query/rank.h"
#include "query/parse.h"   /* pm_query, pm_node, pm_limits, pm_parse, pm_build_phrase, pm_build_near */

const char *pm_version(void);
const char *pm_kernels_name(void); /* which kernels run: "scalar", "avx2", "avx512" */

/* ---- text ---- */
const char *const *pm_language_names(void); /* NULL-terminated */
/* Columns start, end (I64, code points), surface, folded, stem, kind (STR), sentence, paragraph (I64), quote (I64 or null). */
pm_status pm_tokenize_table(const char *lang, pm_bytes text, pm_table **out, pm_error *err) PM_MUST_CHECK;

/* ---- an open index (shared) ---- */
struct pm_snapshot;
typedef struct pm_snapshot pm_index;
typedef enum pm_open_mode { PM_OPEN_AUTO, PM_OPEN_MAP, PM_OPEN_READ } pm_open_mode;
pm_status pm_index_open(const char *path, uint64_t generation, pm_open_mode mode, pm_index **out, pm_error *err) PM_MUST_CHECK;
pm_index *pm_index_ref(pm_index *idx);
void pm_index_unref(pm_index *idx);
pm_status pm_index_verify(const char *path, pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;

typedef struct pm_index_facts {
    uint64_t generation, fingerprint, n_tokens, n_words; /* n_words: distinct surfaces, counted once a segment */
    uint32_t n_docs, n_segments, n_fields;
    const char *lang, *main_field, *date_column, *key_column;
    const char *const *fields;
    bool store, analyzer_differs;
} pm_index_facts;
void pm_index_get_facts(const pm_index *idx, pm_index_facts *out); /* borrowed until unref */
/* Metadata columns over all segments: name, kind ("str", "int", "float", "bool", "date"), several (BOOL), documents with a value (I64). */
pm_status pm_index_columns(const pm_index *idx, pm_table **out, pm_error *err) PM_MUST_CHECK;
/* file, section (STR), bytes (I64): all files of the generation, manifest included. */
pm_status pm_index_sections(const pm_index *idx, pm_table **out, pm_error *err) PM_MUST_CHECK;

/* Documents are numbered over all segments in the order of indexing. */
pm_status pm_index_find(const pm_index *idx, pm_bytes key, uint32_t *doc, pm_error *err) PM_MUST_CHECK; /* PM_END: none */
/* key (STR), date (TIME or null, where there is a date column), tokens (I64), then the columns asked for (n_columns SIZE_MAX: all); of
 * several values the first n are joined with "; ". docs NULL: all that filter (or NULL) lets through. */
pm_status pm_index_documents(const pm_index *idx, const char *const *columns, size_t n_columns, const uint32_t *docs, size_t n_docs,
                             const pm_query *filter, pm_table **out, pm_error *err) PM_MUST_CHECK;
/* Values of one document: column (STR), kind (STR), one row a value, text (STR), i (I64), f (F64), timed (BOOL: has a time of day). */
pm_status pm_index_values(const pm_index *idx, uint32_t doc, pm_table **out, pm_error *err) PM_MUST_CHECK;
/* The original text of a field (number in facts.fields). PM_INVALID where no text is kept. */
pm_status pm_index_text(const pm_index *idx, uint32_t doc, uint32_t field, pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* As pm_tokenize_table with field (STR) first, fields in order. Without stored text start and end are token numbers in the field. */
pm_status pm_index_tokens(const pm_index *idx, uint32_t doc, pm_table **out, pm_error *err) PM_MUST_CHECK;
/* The lexicon: word (STR), freq, documents (I64), by falling frequency, at most k rows; pattern with * and ?. */
pm_status pm_index_words(const pm_index *idx, const char *pattern, pm_layer layer, size_t k, pm_cancel *cancel, pm_table **out,
                         pm_error *err) PM_MUST_CHECK;

/* ---- queries ---- */
/* Parses against the index's fields and columns. The pm_query is the caller's: pm_query_release. */
pm_status pm_index_parse(const pm_index *idx, const char *text, size_t n_bytes, pm_parse_mode mode, const pm_limits *limits,
                         pm_query *out, pm_error *err) PM_MUST_CHECK;

/* Hits: query/hits.h (pm_where, pm_hits_*, pm_count). Ranking: query/rank.h (pm_search). Contexts: analysis/concordance.h (pm_hits_kwic). */

/* ---- streams of compressed sources ---- */
typedef struct pm_unzstd pm_unzstd; /* a zstd decompressor, window up to 2^31 */
pm_status pm_unzstd_new(pm_unzstd **out, pm_error *err) PM_MUST_CHECK;
void pm_unzstd_free(pm_unzstd *z);
/* Appends what in decompresses to. *done: the frame has ended (further frames may follow). */
pm_status pm_unzstd_feed(pm_unzstd *z, pm_bytes in, pm_buf *out, bool *done, pm_error *err) PM_MUST_CHECK;

#endif
