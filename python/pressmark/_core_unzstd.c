/* Unzstd: a zstd decompressor fed piece by piece, for compressed sources. */
#include "_core.h"

typedef struct unzstd {
    PyObject_HEAD
    pm_unzstd *z;
    atomic_int busy; /* 1 while a feed runs without the GIL; a second one is refused */
} unzstd;

PyObject *pmpy_unzstd(PyObject *module, PyObject *unused) {
    (void)unused;
    pmpy_state *state = PyModule_GetState(module);
    pm_error err;
    pm_unzstd *z;
    if (pm_unzstd_new(&z, &err) != PM_OK) {
        return pmpy_raise(state, &err, NULL);
    }
    unzstd *self = PyObject_New(unzstd, state->unzstd_type);
    if (self == NULL) {
        pm_unzstd_free(z);
        return NULL;
    }
    self->z = z;
    atomic_init(&self->busy, 0);
    return (PyObject *)self;
}

static void unzstd_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_unzstd_free(((unzstd *)self)->z);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *feed(unzstd *self, pmpy_state *state, const pmpy_text *in) {
    pm_buf out;
    bool done = false;
    pm_buf_init(&out);
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_unzstd_feed(self->z, in->bytes, &out, &done, &run.err);
    PyObject *result = NULL;
    if (pmpy_end(&run, state, status, NULL)) {
        result = Py_BuildValue("y#O", out.n > 0 ? (const char *)out.p : "",
                               (Py_ssize_t)out.n, done ? Py_True : Py_False);
    }
    pm_buf_release(&out);
    return result;
}

/* feed(bytes) -> (bytes, done): what it decompresses to, and whether a frame has ended
 * with it */
static PyObject *unzstd_feed(PyObject *self, PyObject *arg) {
    unzstd *z = (unzstd *)self;
    pmpy_state *state = pmpy_state_of(self);
    pmpy_text in;
    if (!pmpy_text_take(state, arg, &in)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (atomic_exchange(&z->busy, 1) != 0) {
        PyErr_SetString(PyExc_RuntimeError, "in use by another thread");
    } else {
        result = feed(z, state, &in);
        atomic_store(&z->busy, 0);
    }
    pmpy_text_release(&in);
    return result;
}

static PyMethodDef unzstd_methods[] = {
    {"feed", unzstd_feed, METH_O, "feed(bytes) -> (bytes, done)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot unzstd_slots[] = {
    {Py_tp_dealloc, unzstd_dealloc},
    {Py_tp_methods, unzstd_methods},
    {0, NULL},
};

PyType_Spec pmpy_unzstd_spec = {
    .name = "pressmark._core.Unzstd",
    .basicsize = sizeof(unzstd),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = unzstd_slots,
};
