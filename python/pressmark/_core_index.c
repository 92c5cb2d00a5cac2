/* Index: an open generation. All methods may be called from several threads. */
#include "_core.h"

typedef struct index_object {
    PyObject_HEAD
    pm_index *index; /* owned reference */
} index_object;

static pm_index *index_in(PyObject *self) {
    return ((index_object *)self)->index;
}

PyObject *pmpy_index_wrap(pmpy_state *state, pm_index *take) {
    index_object *self = PyObject_New(index_object, state->index_type);
    if (self == NULL) {
        pm_index_unref(take);
        return NULL;
    }
    self->index = take;
    return (PyObject *)self;
}

/* open(path, generation, mode) -> Index; path: bytes */
PyObject *pmpy_open(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *path;
    unsigned long long generation;
    int mode;
    if (!PyArg_ParseTuple(args, "O&Ki", PyUnicode_FSConverter, &path, &generation,
                          &mode)) {
        return NULL;
    }
    pm_index *index = NULL;
    pmpy_run run;
    const char *chars = PyBytes_AsString(path);
    pmpy_begin(&run);
    pm_status status =
        pm_index_open(chars, generation, (pm_open_mode)mode, &index, &run.err);
    bool ok = pmpy_end(&run, state, status, NULL);
    Py_DECREF(path);
    if (!ok && status == PM_OK) {
        pm_index_unref(index);
    }
    return ok ? pmpy_index_wrap(state, index) : NULL;
}

static void index_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_index_unref(index_in(self));
    PyObject_Free(self);
    Py_DECREF(type);
}

/* verify(path) */
PyObject *pmpy_verify(PyObject *module, PyObject *args) {
    PyObject *path;
    if (!PyArg_ParseTuple(args, "O&", PyUnicode_FSConverter, &path)) {
        return NULL;
    }
    pmpy_run run;
    const char *chars = PyBytes_AsString(path);
    pmpy_begin(&run);
    pm_status status = pm_index_verify(chars, &run.cancel, &run.err);
    bool ok = pmpy_end(&run, PyModule_GetState(module), status, NULL);
    Py_DECREF(path);
    return ok ? Py_NewRef(Py_None) : NULL;
}

/* Ends a run whose result is a table; *t is looked at where status is PM_OK. */
static PyObject *table_result(pmpy_run *run, PyObject *self, pm_status status,
                              pm_table **t, PyObject *query) {
    pmpy_state *state = pmpy_state_of(self);
    if (pmpy_end(run, state, status, query)) {
        return pmpy_block_new(state, *t);
    }
    if (status == PM_OK) {
        pm_table_unref(*t);
    }
    return NULL;
}

/* ---- facts ---- */

static PyObject *field_names(const pm_index_facts *f) {
    PyObject *out = PyTuple_New((Py_ssize_t)f->n_fields);
    for (uint32_t i = 0; out != NULL && i < f->n_fields; i++) {
        PyObject *name = pmpy_str(f->fields[i]);
        if (name == NULL || PyTuple_SetItem(out, (Py_ssize_t)i, name) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* ((number, published in seconds since 1970), ...) */
static PyObject *generations(const pm_index_facts *f) {
    PyObject *out = PyTuple_New((Py_ssize_t)f->n_generations);
    for (uint32_t i = 0; out != NULL && i < f->n_generations; i++) {
        const pm_generation *g = &f->generations[i];
        PyObject *pair =
            Py_BuildValue("KL", (unsigned long long)g->number,
                          (long long)(g->published != 0 ? g->published : f->file_time));
        if (pair == NULL || PyTuple_SetItem(out, (Py_ssize_t)i, pair) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static PyObject *index_facts(PyObject *self, PyObject *unused) {
    (void)unused;
    pm_index_facts f;
    pm_index_get_facts(index_in(self), &f);
    return Py_BuildValue(
        "{sKsKsKsKsIsIsIsNsNsNsNsNsNsOsO}", "generation",
        (unsigned long long)f.generation, "fingerprint",
        (unsigned long long)f.fingerprint, "tokens", (unsigned long long)f.n_tokens,
        "words", (unsigned long long)f.n_words, "documents", f.n_docs, "deleted",
        f.doc_bound - f.n_docs, "segments", f.n_segments, "lang", pmpy_str(f.lang),
        "main_field", pmpy_str(f.main_field), "date_column", pmpy_str(f.date_column),
        "key_column", pmpy_str(f.key_column), "fields", field_names(&f), "generations",
        generations(&f), "store", f.store ? Py_True : Py_False, "analyzer_differs",
        f.analyzer_differs ? Py_True : Py_False);
}

static PyObject *index_columns(PyObject *self, PyObject *unused) {
    (void)unused;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    return table_result(&run, self, pm_index_columns(index_in(self), &t, &run.err), &t,
                        NULL);
}

static PyObject *index_sections(PyObject *self, PyObject *unused) {
    (void)unused;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    return table_result(&run, self, pm_index_sections(index_in(self), &t, &run.err), &t,
                        NULL);
}

/* ---- documents ---- */

/* find(key) -> number, or None */
static PyObject *index_find(PyObject *self, PyObject *arg) {
    pmpy_state *state = pmpy_state_of(self);
    pmpy_text key;
    if (!pmpy_text_take(state, arg, &key)) {
        return NULL;
    }
    uint32_t doc = UINT32_MAX;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_index_find(index_in(self), key.bytes, &doc, &run.err);
    bool ok = pmpy_end(&run, state, status, NULL);
    pmpy_text_release(&key);
    if (!ok) {
        return NULL;
    }
    return doc == UINT32_MAX ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(doc);
}

/* A filter argument: None gives NULL. False after raising. */
static bool filter_of(pmpy_state *state, PyObject *o, const pm_query **out) {
    *out = NULL;
    if (o == Py_None) {
        return true;
    }
    pmpy_query *query = pmpy_query_of(state, o);
    *out = query != NULL ? &query->query : NULL;
    return query != NULL;
}

/* greatest_key() -> the greatest key that is a number, or -1 */
static PyObject *index_greatest_key(PyObject *self, PyObject *unused) {
    (void)unused;
    int64_t number = -1;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status =
        pm_index_greatest_key(index_in(self), &number, &run.cancel, &run.err);
    return pmpy_end(&run, pmpy_state_of(self), status, NULL)
               ? PyLong_FromLongLong(number)
               : NULL;
}

/* documents(columns, docs, filter) -> Block; columns: tuple, or None for all */
static PyObject *index_documents(PyObject *self, PyObject *args) {
    pmpy_state *state = pmpy_state_of(self);
    PyObject *columns, *docs, *filter, *kept = NULL, *out = NULL;
    if (!PyArg_ParseTuple(args, "OOO", &columns, &docs, &filter)) {
        return NULL;
    }
    const pm_query *where;
    const uint32_t *numbers;
    Py_buffer view;
    size_t n_columns = SIZE_MAX, n_docs;
    const char **names = NULL;
    if (!filter_of(state, filter, &where) ||
        !pmpy_docs_take(docs, &view, &numbers, &n_docs)) {
        return NULL;
    }
    if (columns == Py_None ||
        (names = pmpy_chars_of_tuple(state, columns, &n_columns, &kept)) != NULL) {
        pm_table *t = NULL;
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status = pm_index_documents(index_in(self), names, n_columns, numbers,
                                              n_docs, where, &t, &run.err);
        out = table_result(&run, self, status, &t, NULL);
    }
    PyMem_Free((void *)names);
    Py_XDECREF(kept);
    if (view.obj != NULL) {
        PyBuffer_Release(&view);
    }
    return out;
}

static bool doc_of(PyObject *arg, uint32_t *out) {
    unsigned long n = PyLong_AsUnsignedLong(arg);
    if (n >= UINT32_MAX) {
        if (PyErr_Occurred() == NULL) {
            PyErr_SetString(PyExc_IndexError, "no such document");
        }
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

static PyObject *index_values(PyObject *self, PyObject *arg) {
    uint32_t doc;
    if (!doc_of(arg, &doc)) {
        return NULL;
    }
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    return table_result(&run, self, pm_index_values(index_in(self), doc, &t, &run.err),
                        &t, NULL);
}

static PyObject *index_tokens(PyObject *self, PyObject *arg) {
    uint32_t doc;
    if (!doc_of(arg, &doc)) {
        return NULL;
    }
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    return table_result(&run, self, pm_index_tokens(index_in(self), doc, &t, &run.err),
                        &t, NULL);
}

/* text(doc, field) -> str */
static PyObject *index_text(PyObject *self, PyObject *args) {
    unsigned doc, field;
    if (!PyArg_ParseTuple(args, "II", &doc, &field)) {
        return NULL;
    }
    pm_buf out;
    pm_buf_init(&out);
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_index_text(index_in(self), doc, field, &out, &run.err);
    PyObject *text = pmpy_end(&run, pmpy_state_of(self), status, NULL)
                         ? pmpy_str_of(out.p, out.n)
                         : NULL;
    pm_buf_release(&out);
    return text;
}

/* words(pattern, layer, k) -> Block */
static PyObject *index_words(PyObject *self, PyObject *args) {
    PyObject *pattern, *kept;
    int layer;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(args, "Oin", &pattern, &layer, &k)) {
        return NULL;
    }
    const char *chars = pmpy_chars(pmpy_state_of(self), pattern, &kept);
    if (chars == NULL) {
        return NULL;
    }
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status =
        pm_index_words(index_in(self), chars, (pm_layer)layer,
                       k < 0 ? SIZE_MAX : (size_t)k, &run.cancel, &t, &run.err);
    PyObject *out = table_result(&run, self, status, &t, NULL);
    Py_DECREF(kept);
    return out;
}

/* ---- queries ---- */

/* parse(text, mode[, names]) -> Query */
static PyObject *index_parse(PyObject *self, PyObject *args) {
    return pmpy_parse_for(pmpy_state_of(self), index_in(self), args);
}

/* A query and where it is asked; released by asked_release. */
typedef struct asked {
    pmpy_query *query;
    pm_where where;
    Py_buffer view;
    pm_limits limits;
} asked;

static bool asked_take(PyObject *self, PyObject *query, PyObject *filter,
                       PyObject *docs, asked *out) {
    pmpy_state *state = pmpy_state_of(self);
    out->query = pmpy_query_of(state, query);
    pmpy_limits_get(state, &out->limits);
    return out->query != NULL && filter_of(state, filter, &out->where.filter) &&
           pmpy_docs_take(docs, &out->view, &out->where.docs, &out->where.n_docs);
}

static void asked_release(asked *a) {
    if (a->view.obj != NULL) {
        PyBuffer_Release(&a->view);
    }
}

/* hits(query, filter, docs, skip) -> Hits */
static PyObject *index_hits(PyObject *self, PyObject *args) {
    PyObject *query, *filter, *docs;
    int skip;
    asked a;
    if (!PyArg_ParseTuple(args, "OOOp", &query, &filter, &docs, &skip) ||
        !asked_take(self, query, filter, docs, &a)) {
        return NULL;
    }
    a.limits.skip_documents = skip != 0;
    pm_hits *hits = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_hits_new(index_in(self), &a.query->query, &a.where, &a.limits,
                                   &run.cancel, &hits, &run.err);
    PyObject *out = NULL;
    if (pmpy_end(&run, pmpy_state_of(self), status, a.query->text)) {
        out = pmpy_hits_wrap(pmpy_state_of(self), hits);
    } else if (status == PM_OK) {
        pm_hits_unref(hits);
    }
    asked_release(&a);
    return out;
}

/* count(query, filter, docs, documents_only) -> (hits, documents) */
static PyObject *index_count(PyObject *self, PyObject *args) {
    PyObject *query, *filter, *docs;
    int documents_only;
    asked a;
    if (!PyArg_ParseTuple(args, "OOOp", &query, &filter, &docs, &documents_only) ||
        !asked_take(self, query, filter, docs, &a)) {
        return NULL;
    }
    pm_counts counts = {0, 0};
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_count(index_in(self), &a.query->query, &a.where, &a.limits,
                                documents_only != 0, &run.cancel, &counts, &run.err);
    bool ok = pmpy_end(&run, pmpy_state_of(self), status, a.query->text);
    asked_release(&a);
    return ok ? Py_BuildValue("KK", (unsigned long long)counts.hits,
                              (unsigned long long)counts.documents)
              : NULL;
}

/* Weights of the fields: a tuple of numbers, or None. NULL with *ok false after
 * raising. */
static double *weights_of(PyObject *self, PyObject *o, bool *ok) {
    pm_index_facts f;
    pm_index_get_facts(index_in(self), &f);
    *ok = true;
    if (o == Py_None) {
        return NULL;
    }
    double *out = NULL;
    if (!PyTuple_Check(o) || (size_t)PyTuple_Size(o) != f.n_fields) {
        PyErr_SetString(PyExc_ValueError, "one weight for each text field");
    } else if ((out = PyMem_Malloc((f.n_fields + 1) * sizeof *out)) == NULL) {
        PyErr_NoMemory();
    }
    for (uint32_t i = 0; out != NULL && i < f.n_fields; i++) {
        out[i] = PyFloat_AsDouble(PyTuple_GetItem(o, (Py_ssize_t)i));
        if (PyErr_Occurred() != NULL) {
            PyMem_Free(out);
            out = NULL;
        }
    }
    *ok = out != NULL;
    return out;
}

/* search(query, filter, docs, k, k1, b, all, weights, sort) -> (Block, total) */
static PyObject *index_search(PyObject *self, PyObject *args) {
    PyObject *query, *filter, *docs, *weights;
    Py_ssize_t k;
    int all;
    pm_rank_options options = {0};
    asked a;
    if (!PyArg_ParseTuple(args, "OOOnddpOs", &query, &filter, &docs, &k, &options.k1,
                          &options.b, &all, &weights, &options.sort)) {
        return NULL;
    }
    bool ok;
    double *numbers = weights_of(self, weights, &ok);
    if (!ok || !asked_take(self, query, filter, docs, &a)) {
        PyMem_Free(numbers);
        return NULL;
    }
    options.all = all != 0;
    options.weights = numbers;
    pm_table *t = NULL;
    uint64_t total = 0;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status =
        pm_search(index_in(self), &a.query->query, &a.where, (size_t)k, &options,
                  &a.limits, &run.cancel, &t, &total, &run.err);
    PyObject *block = table_result(&run, self, status, &t, a.query->text);
    asked_release(&a);
    PyMem_Free(numbers);
    return block != NULL ? Py_BuildValue("NK", block, (unsigned long long)total) : NULL;
}

/* explain_score(query, doc, k1, b, all, weights) -> Block */
static PyObject *index_explain_score(PyObject *self, PyObject *args) {
    PyObject *query, *weights;
    unsigned doc;
    int all;
    pm_rank_options options = {.sort = "score"};
    asked a;
    if (!PyArg_ParseTuple(args, "OIddpO", &query, &doc, &options.k1, &options.b, &all,
                          &weights)) {
        return NULL;
    }
    bool ok;
    double *numbers = weights_of(self, weights, &ok);
    if (!ok || !asked_take(self, query, Py_None, Py_None, &a)) {
        PyMem_Free(numbers);
        return NULL;
    }
    options.all = all != 0;
    options.weights = numbers;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_explain_score(index_in(self), &a.query->query, doc, &options,
                                        &a.limits, &run.cancel, &t, &run.err);
    PyObject *block = table_result(&run, self, status, &t, a.query->text);
    asked_release(&a);
    PyMem_Free(numbers);
    return block;
}

/* ---- the type ---- */

static PyMethodDef index_methods[] = {
    {"facts", index_facts, METH_NOARGS, "what the index says of itself"},
    {"columns", index_columns, METH_NOARGS,
     "metadata columns: Block of name, kind, several, documents"},
    {"sections", index_sections, METH_NOARGS, "sizes: Block of file, section, bytes"},
    {"find", index_find, METH_O, "find(key) -> document number, or None"},
    {"greatest_key", index_greatest_key, METH_NOARGS,
     "greatest_key() -> the greatest key that is a number, or -1"},
    {"documents", index_documents, METH_VARARGS,
     "documents(columns, docs, filter) -> Block"},
    {"values", index_values, METH_O, "values(doc) -> Block of one document's metadata"},
    {"tokens", index_tokens, METH_O, "tokens(doc) -> Block"},
    {"text", index_text, METH_VARARGS, "text(doc, field) -> str"},
    {"words", index_words, METH_VARARGS,
     "words(pattern, layer, k) -> Block; k < 0: all"},
    {"parse", index_parse, METH_VARARGS, "parse(text, mode) -> Query"},
    {"hits", index_hits, METH_VARARGS, "hits(query, filter, docs) -> Hits"},
    {"count", index_count, METH_VARARGS,
     "count(query, filter, docs, documents_only) -> (hits, documents)"},
    {"explain_score", index_explain_score, METH_VARARGS,
     "explain_score(query, doc, k1, b, all, weights) -> Block"},
    {"search", index_search, METH_VARARGS,
     "search(query, filter, docs, k, k1, b, all, weights, sort) -> (Block, total)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot index_slots[] = {
    {Py_tp_dealloc, index_dealloc},
    {Py_tp_methods, index_methods},
    {0, NULL},
};

PyType_Spec pmpy_index_spec = {
    .name = "pressmark._core.Index",
    .basicsize = sizeof(index_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = index_slots,
};
