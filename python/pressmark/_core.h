/* What the extension's files share: the module's state, conversions, the way out of the
 * GIL and the one place that raises. The extension is thin: it converts arguments,
 * releases the GIL, calls pressmark.h and wraps the result. */
#ifndef PRESSMARK_PYTHON_CORE_H
#define PRESSMARK_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "pressmark.h"

/* Exceptions of pressmark._errors that statuses become. */
typedef enum pmpy_error {
    PMPY_SYNTAX,
    PMPY_AMBIGUOUS,
    PMPY_FIELD,
    PMPY_LIMIT,
    PMPY_DUPLICATE,
    PMPY_FOREIGN,
    PMPY_CORRUPT,
    PMPY_VERSION,
    PMPY_LOCKED,
    PMPY_GONE,
    PMPY_N_ERRORS
} pmpy_error;

enum { PMPY_N_LIMITS = 6 };

typedef struct pmpy_state {
    PyTypeObject *block_type, *column_type, *query_type, *index_type, *hits_type,
        *builder_type, *writer_type, *unzstd_type;
    PyObject *errors[PMPY_N_ERRORS];
    PyObject *isascii;          /* the method's name, interned */
    PyObject *epoch, *interval; /* datetime(1970, 1, 1), timedelta */
    /* What pm.limits reads and sets. Each call takes its own copy; fields are
     * independent, so a copy that mixes old and new ones is as good as either. */
    _Atomic(uint64_t) limits[PMPY_N_LIMITS];
} pmpy_state;

/* The state, from an object of one of our types (none can be subclassed). */
static inline pmpy_state *pmpy_state_of(PyObject *self) {
    return PyType_GetModuleState(Py_TYPE(self));
}

/* ---- errors: _core_errors.c ---- */
int pmpy_errors_init(pmpy_state *state);
/* Raises what err says and returns NULL. query: the text in which err->pos and err->end
 * stand, or NULL. */
PyObject *pmpy_raise(pmpy_state *state, const pm_error *err, PyObject *query);

/* ---- long work without the GIL ---- */
typedef struct pmpy_run {
    pm_cancel cancel; /* polls for Ctrl-C, on the main thread only */
    PyThreadState *thread;
    pm_error err;
} pmpy_run;
/* Releases the GIL; nothing of Python may be touched until pmpy_end. */
void pmpy_begin(pmpy_run *run);
/* Takes the GIL back. False where status is a failure or a signal's exception is
 * pending: then that is raised. */
bool pmpy_end(pmpy_run *run, pmpy_state *state, pm_status status, PyObject *query);

/* ---- conversions: _core_convert.c ---- */
/* A str (as UTF-8, lone surrogates passed through) or bytes, borrowed from owner. ASCII
 * comes in without a copy. */
typedef struct pmpy_text {
    pm_bytes bytes;
    PyObject *owner;
} pmpy_text;
bool pmpy_text_take(pmpy_state *state, PyObject *o, pmpy_text *out);
void pmpy_text_release(pmpy_text *t);
/* The same as a C string: no NUL inside. *owner is released by the caller. NULL after
 * raising. */
const char *pmpy_chars(pmpy_state *state, PyObject *o, PyObject **owner);
/* A tuple of strings as an array; *owner keeps them alive and is released by the
 * caller, then the array by PyMem_Free. */
const char **pmpy_chars_of_tuple(pmpy_state *state, PyObject *tuple, size_t *n,
                                 PyObject **owner);
/* None (NULL, 0) or a buffer of uint32. The caller releases view where view->obj is
 * set. */
bool pmpy_docs_take(PyObject *o, Py_buffer *view, const uint32_t **docs, size_t *n);
PyObject *pmpy_str(const char *text); /* UTF-8 that may have been cut; NULL gives "" */
PyObject *pmpy_str_of(const void *bytes, size_t n);
PyObject *pmpy_time(pmpy_state *state, int64_t microseconds); /* datetime */
void pmpy_limits_get(pmpy_state *state, pm_limits *out);

/* ---- objects ---- */
typedef struct pmpy_query {
    PyObject_HEAD
    pm_query query;
    PyObject *text; /* as the user gave it, or NULL */
} pmpy_query;

extern PyType_Spec pmpy_block_spec, pmpy_column_spec, pmpy_query_spec, pmpy_index_spec,
    pmpy_hits_spec, pmpy_builder_spec, pmpy_writer_spec, pmpy_unzstd_spec;

/* Each takes its C object over, also when it fails. */
PyObject *pmpy_block_new(pmpy_state *state, pm_table *take);
PyObject *pmpy_hits_wrap(pmpy_state *state, pm_hits *take);
PyObject *pmpy_index_wrap(pmpy_state *state, pm_index *take);
/* An empty query to be filled. */
pmpy_query *pmpy_query_new(pmpy_state *state);
/* The query in o; NULL with TypeError where o is none. None where allowed gives NULL
 * without an error. */
pmpy_query *pmpy_query_of(pmpy_state *state, PyObject *o);

/* ---- what the module offers beside its types ---- */
PyObject *pmpy_table(PyObject *module, PyObject *args); /* _core_block.c */
PyObject *pmpy_open(PyObject *module, PyObject *args);  /* _core_index.c */
PyObject *pmpy_verify(PyObject *module, PyObject *args);
PyObject *pmpy_parse_for(pmpy_state *state, const pm_index *idx, PyObject *args);
PyObject *pmpy_parse(PyObject *module, PyObject *args); /* _core_query.c */
PyObject *pmpy_phrase(PyObject *module, PyObject *args);
PyObject *pmpy_near(PyObject *module, PyObject *args);
PyObject *pmpy_builder(PyObject *module, PyObject *args); /* _core_build.c */
PyObject *pmpy_writer(PyObject *module, PyObject *args);  /* _core_writer.c */
PyObject *pmpy_optimize(PyObject *module, PyObject *args);
PyObject *pmpy_unzstd(PyObject *module, PyObject *unused); /* _core_unzstd.c */

/* Capsules of the Arrow C data interface: _core_arrow.c */
PyObject *pmpy_arrow_stream(const pm_table *t);
PyObject *pmpy_arrow_schema(const pm_table *t);

#endif
