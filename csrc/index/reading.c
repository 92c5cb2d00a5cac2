/* A look at the directory costs a call; the manifest is read again only after a file was
 * missing. */
#include "index/reading.h"

#include <errno.h>
#include <string.h>

pm_status pm_reading_analyzer(const pm_manifest *m, pm_analyzer **out, pm_error *err) {
    pm_error why;
    pm_status status = pm_analyzer_new(m->lang, out, &why);
    if (status == PM_INVALID) {
        return pm_fail(
            err, PM_TOO_NEW,
            "the index is in the language \"%.64s\", which this build does not know",
            m->lang);
    }
    if (status != PM_OK && err != NULL) {
        *err = why;
    }
    return status;
}

static bool is_missing(pm_status status, const pm_error *err) {
    return status == PM_IO && err->os_errno == ENOENT;
}

static bool same_files(const pm_manifest *a, const pm_manifest *b) {
    bool same = a->n_files == b->n_files;
    for (uint32_t i = 0; same && i < a->n_files; i++) {
        same = strcmp(a->files[i].name, b->files[i].name) == 0 &&
               a->files[i].size == b->files[i].size &&
               a->files[i].hash.lo == b->files[i].hash.lo &&
               a->files[i].hash.hi == b->files[i].hash.hi;
    }
    return same;
}

static bool names_others(const char *path, const pm_manifest *m) {
    pm_manifest now;
    if (pm_manifest_read(&now, path, NULL) != PM_OK) {
        return false;
    }
    bool others = !same_files(&now, m);
    pm_manifest_release(&now);
    return others;
}

bool pm_reading_was_overtaken(pm_status status, const pm_error *err, const char *path,
                              const pm_stat *before, const pm_manifest *m) {
    pm_stat after;
    if (status != PM_IO && status != PM_CORRUPT) {
        return false;
    }
    return pm_path_stat(path, &after, NULL) != PM_OK ||
           !pm_reading_same_place(before, &after) ||
           (is_missing(status, err) && names_others(path, m));
}

pm_status pm_reading_name_missing(pm_status status, pm_error *err) {
    if (!is_missing(status, err)) {
        return status;
    }
    const pm_error why = *err;
    return pm_fail_corrupt(err, why.file, PM_NO_OFFSET,
                           "the manifest names %s, which is not there", why.file);
}
