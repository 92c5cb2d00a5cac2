/* From Python's values to the core's and back. Strings that are not ASCII come in by a
 * temporary bytes object, so that no UTF-8 copy stays in the caller's strings. */
#include "_core.h"

#include <string.h>

static bool is_ascii(pmpy_state *state, PyObject *str, bool *out) {
    PyObject *said = PyObject_CallMethodObjArgs(str, state->isascii, NULL);
    if (said == NULL) {
        return false;
    }
    *out = said == Py_True;
    Py_DECREF(said);
    return true;
}

static bool text_of_bytes(PyObject *bytes, pmpy_text *out) {
    char *p;
    Py_ssize_t n;
    if (PyBytes_AsStringAndSize(bytes, &p, &n) < 0) {
        return false;
    }
    out->bytes = (pm_bytes){(const uint8_t *)p, (size_t)n};
    out->owner = Py_NewRef(bytes);
    return true;
}

bool pmpy_text_take(pmpy_state *state, PyObject *o, pmpy_text *out) {
    out->owner = NULL;
    if (PyBytes_Check(o)) {
        return text_of_bytes(o, out);
    }
    bool ascii = false;
    if (!PyUnicode_Check(o)) {
        PyErr_Format(PyExc_TypeError, "expected str, not %R", (PyObject *)Py_TYPE(o));
        return false;
    }
    if (!is_ascii(state, o, &ascii)) {
        return false;
    }
    if (!ascii) {
        PyObject *bytes = PyUnicode_AsEncodedString(o, "utf-8", "surrogatepass");
        bool ok = bytes != NULL && text_of_bytes(bytes, out);
        Py_XDECREF(bytes);
        return ok;
    }
    Py_ssize_t n;
    const char *p = PyUnicode_AsUTF8AndSize(o, &n); /* ASCII: the string's own bytes */
    if (p == NULL) {
        return false;
    }
    out->bytes = (pm_bytes){(const uint8_t *)p, (size_t)n};
    out->owner = Py_NewRef(o);
    return true;
}

void pmpy_text_release(pmpy_text *t) {
    Py_CLEAR(t->owner);
}

const char *pmpy_chars(pmpy_state *state, PyObject *o, PyObject **owner) {
    pmpy_text t;
    *owner = NULL;
    if (!pmpy_text_take(state, o, &t)) {
        return NULL;
    }
    if (memchr(t.bytes.p, 0, t.bytes.n) != NULL) {
        pmpy_text_release(&t);
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    *owner = t.owner;
    return (const char *)t.bytes.p; /* str and bytes end with NUL */
}

const char **pmpy_chars_of_tuple(pmpy_state *state, PyObject *tuple, size_t *n,
                                 PyObject **owner) {
    Py_ssize_t size = PyTuple_Size(tuple);
    if (size < 0) {
        return NULL;
    }
    const char **out = PyMem_Malloc(((size_t)size + 1) * sizeof *out);
    *owner = PyTuple_New(size);
    if (out == NULL || *owner == NULL) {
        PyMem_Free(out);
        Py_CLEAR(*owner);
        return (const char **)PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *kept;
        out[i] = pmpy_chars(state, PyTuple_GetItem(tuple, i), &kept);
        if (out[i] == NULL || PyTuple_SetItem(*owner, i, kept) < 0) {
            PyMem_Free(out);
            Py_CLEAR(*owner);
            return NULL;
        }
    }
    out[size] = NULL;
    *n = (size_t)size;
    return out;
}

bool pmpy_docs_take(PyObject *o, Py_buffer *view, const uint32_t **docs, size_t *n) {
    view->obj = NULL;
    *docs = NULL;
    *n = 0;
    if (o == Py_None) {
        return true;
    }
    if (PyObject_GetBuffer(o, view, PyBUF_CONTIG_RO) < 0) {
        return false;
    }
    static const uint32_t NO_DOCS[1] = {0}; /* an empty list is not "all" */
    *n = (size_t)view->len / sizeof **docs;
    *docs = *n > 0 ? view->buf : NO_DOCS;
    return true;
}

PyObject *pmpy_str(const char *text) {
    return pmpy_str_of(text, text != NULL ? strlen(text) : 0);
}

PyObject *pmpy_str_of(const void *bytes, size_t n) {
    return PyUnicode_DecodeUTF8(n > 0 ? bytes : "", (Py_ssize_t)n, "replace");
}

PyObject *pmpy_time(pmpy_state *state, int64_t microseconds) {
    PyObject *since =
        PyObject_CallFunction(state->interval, "iiL", 0, 0, (long long)microseconds);
    if (since == NULL) {
        return NULL;
    }
    PyObject *out = PyNumber_Add(state->epoch, since);
    Py_DECREF(since);
    return out;
}

void pmpy_limits_get(pmpy_state *state, pm_limits *out) {
    *out = (pm_limits){.depth = (uint32_t)state->limits[0],
                       .clauses = (uint32_t)state->limits[1],
                       .expansions = (uint32_t)state->limits[2],
                       .query_length = (uint32_t)state->limits[3],
                       .pairs = state->limits[4],
                       .segment_tokens = (uint32_t)state->limits[5]};
}
