/* The calls of pressmark.h that belong to no one layer. */
#include "codec/cpu.h"
#include "index/snapshot.h"
#include "pressmark.h"
#include "query/schema.h"
#include "text/analyzer.h"

#ifndef PM_VERSION
#define PM_VERSION "unknown" /* the builds pass python/pressmark/_version.py's */
#endif

const char *pm_version(void) {
    return PM_VERSION;
}
const char *pm_kernels_name(void) {
    return pm_kernels_get()->name;
}
const char *const *pm_language_names(void) {
    return pm_languages();
}

pm_status pm_index_open(const char *path, uint64_t generation, pm_open_mode mode,
                        pm_index **out, pm_error *err) {
    static const pm_map_mode modes[] = {PM_MAP_AUTO, PM_MAP_YES, PM_MAP_NO};
    return pm_snapshot_open(path, generation, modes[mode], out, err);
}

pm_index *pm_index_ref(pm_index *idx) {
    return pm_snapshot_ref(idx);
}
void pm_index_unref(pm_index *idx) {
    pm_snapshot_unref(idx);
}

pm_status pm_index_verify(const char *path, pm_cancel *cancel, pm_error *err) {
    return pm_snapshot_verify(path, cancel, err);
}

void pm_index_get_facts(const pm_index *idx, pm_index_facts *out) {
    const pm_manifest *m = &idx->manifest;
    *out = (pm_index_facts){
        .generation = idx->generation,
        .fingerprint = m->fingerprint,
        .n_tokens = idx->live_tokens,
        .n_docs = idx->live_docs,
        .doc_bound = idx->n_docs,
        .n_segments = idx->n_parts,
        .n_fields = m->n_fields,
        .lang = m->lang,
        .main_field = m->main_field,
        .date_column = m->date_column,
        .key_column = m->key_column,
        .fields = (const char *const *)m->fields,
        .n_generations = m->n_generations,
        .generations = m->generations,
        .file_time = m->file_time,
        .store = m->store,
        .analyzer_differs = idx->analyzer_differs,
    };
    for (uint32_t i = 0; i < idx->n_parts; i++) {
        out->n_words += idx->parts[i].segment.info.n_ids;
    }
}

pm_status pm_index_find(const pm_index *idx, pm_bytes key, uint32_t *doc,
                        pm_error *err) {
    return pm_snapshot_find_key(idx, key, doc, err);
}

pm_status pm_index_parse(const pm_index *idx, const char *text, size_t n_bytes,
                         pm_parse_mode mode, const pm_limits *limits,
                         const pm_named *named, uint32_t n_named, pm_query *out,
                         pm_error *err) {
    return pm_parse_with(idx, text, n_bytes, mode, limits, named, n_named, out, err);
}
