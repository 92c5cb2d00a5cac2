/* What an index holds, listed: words, documents, values, tokens, files. Public through
 * pressmark.h. */
#ifndef PM_QUERY_LISTING_H
#define PM_QUERY_LISTING_H

#include "query/hits.h"

/* Columns start, end (I64, code points), surface, folded, stem, kind (STR), sentence,
 * paragraph (I64), quote (I64 or null). */
pm_status pm_tokenize_table(const char *lang, pm_bytes text, pm_table **out,
                            pm_error *err) PM_MUST_CHECK;

/* Metadata columns over all segments: name, kind ("str", "int", "float", "bool",
 * "date"), several (BOOL), documents with a value (I64). */
pm_status pm_index_columns(const pm_snapshot *idx, pm_table **out,
                           pm_error *err) PM_MUST_CHECK;
/* file, section (STR), bytes (I64): each section of each segment and sidecar, and what
 * the file itself takes (section "frame"). */
pm_status pm_index_sections(const pm_snapshot *idx, pm_table **out,
                            pm_error *err) PM_MUST_CHECK;

/* key (STR), date (TIME or null, where there is a date column), tokens (I64), then the
 * columns asked for (n_columns SIZE_MAX: all); of several values the first n are joined
 * with "; ". docs NULL: all that filter (or NULL) lets through. */
pm_status pm_index_documents(const pm_snapshot *idx, const char *const *columns,
                             size_t n_columns, const uint32_t *docs, size_t n_docs,
                             const pm_query *filter, pm_table **out,
                             pm_error *err) PM_MUST_CHECK;
/* The greatest key of a live document that is a number in decimal digits (of at most 18
 * digits); -1 where none is. Cost: all keys are read. */
pm_status pm_index_greatest_key(const pm_snapshot *idx, int64_t *out, pm_cancel *cancel,
                                pm_error *err) PM_MUST_CHECK;
/* Values of one document: column (STR), kind (STR), one row a value, text (STR), i
 * (I64), f (F64), timed (BOOL: has a time of day). */
pm_status pm_index_values(const pm_snapshot *idx, uint32_t doc, pm_table **out,
                          pm_error *err) PM_MUST_CHECK;
/* The original text of a field (number in facts.fields). PM_INVALID where no text is
 * kept. */
pm_status pm_index_text(const pm_snapshot *idx, uint32_t doc, uint32_t field,
                        pm_buf *out, pm_error *err) PM_MUST_CHECK;
/* As pm_tokenize_table with field (STR) first, fields in order. Without stored text
 * start and end are token numbers in the field. */
pm_status pm_index_tokens(const pm_snapshot *idx, uint32_t doc, pm_table **out,
                          pm_error *err) PM_MUST_CHECK;
/* The lexicon: word (STR), freq, documents (I64), by falling frequency, then word, at
 * most k rows. pattern: * and ? are wildcards; in any letter case but for surfaces.
 * Cost: one pass over the token stream. */
pm_status pm_index_words(const pm_snapshot *idx, const char *pattern, pm_layer layer,
                         size_t k, pm_cancel *cancel, pm_table **out,
                         pm_error *err) PM_MUST_CHECK;

#endif
