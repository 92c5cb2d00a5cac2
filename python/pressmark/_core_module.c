/* The module pressmark._core: its state, its types, and what needs no object of its
 * own. */
#include "_core.h"

#include <string.h>

static pmpy_state *state_in(PyObject *module) {
    return PyModule_GetState(module);
}

/* ---- functions ---- */

static PyObject *core_languages(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    PyObject *out = PyList_New(0);
    for (const char *const *name = pm_language_names(); out != NULL && *name != NULL;
         name++) {
        PyObject *s = pmpy_str(*name);
        if (s == NULL || PyList_Append(out, s) < 0) {
            Py_CLEAR(out);
        }
        Py_XDECREF(s);
    }
    return out;
}

static PyObject *core_kernels(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return pmpy_str(pm_kernels_name());
}

/* tokenize(text, lang) -> Block */
static PyObject *core_tokenize(PyObject *module, PyObject *args) {
    pmpy_state *state = state_in(module);
    PyObject *text, *lang, *kept;
    pmpy_text utf8;
    if (!PyArg_ParseTuple(args, "OO", &text, &lang)) {
        return NULL;
    }
    const char *name = pmpy_chars(state, lang, &kept);
    if (name == NULL) {
        return NULL;
    }
    PyObject *out = NULL;
    if (pmpy_text_take(state, text, &utf8)) {
        pm_table *t = NULL;
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status = pm_tokenize_table(name, utf8.bytes, &t, &run.err);
        if (pmpy_end(&run, state, status, NULL)) {
            out = pmpy_block_new(state, t);
        } else if (status == PM_OK) {
            pm_table_unref(t);
        }
        pmpy_text_release(&utf8);
    }
    Py_DECREF(kept);
    return out;
}

/* raise_status(code, message, query, pos, end, hint): raises what the core would have;
 * some of its failures cannot be brought about at will, and a test goes through them
 * all */
static PyObject *core_raise_status(PyObject *module, PyObject *args) {
    const char *message, *hint;
    int code;
    PyObject *query;
    long long pos, end;
    if (!PyArg_ParseTuple(args, "isOLLs", &code, &message, &query, &pos, &end, &hint)) {
        return NULL;
    }
    pm_error err;
    pm_status status = pm_fail(&err, (pm_status)code, "%s", message);
    pm_error_hint(&err, "%s", hint);
    err.pos = pos;
    err.end = end;
    return status == PM_OK ? Py_NewRef(Py_None)
                           : pmpy_raise(state_in(module), &err, query);
}

/* ---- limits ---- */

typedef struct limit {
    const char *name;
    uint64_t most;
} limit;

static const limit LIMITS[PMPY_N_LIMITS] = {
    {"depth", 1000},
    {"clauses", UINT32_MAX},
    {"expansions", UINT32_MAX},
    {"query_length", UINT32_MAX},
    {"pairs", INT64_MAX},
    {"segment_tokens", 0x7fffffff},
};

static int limit_number(const char *name) {
    for (int i = 0; i < PMPY_N_LIMITS; i++) {
        if (strcmp(LIMITS[i].name, name) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_AttributeError, "no limit '%s'", name);
    return -1;
}

static void limits_init(pmpy_state *state) {
    const pm_limits *d = &pm_limits_default;
    const uint64_t values[PMPY_N_LIMITS] = {d->depth,      d->clauses,
                                            d->expansions, d->query_length,
                                            d->pairs,      d->segment_tokens};
    for (int i = 0; i < PMPY_N_LIMITS; i++) {
        atomic_init(&state->limits[i], values[i]);
    }
}

/* limit(name) -> value */
static PyObject *core_limit(PyObject *module, PyObject *args) {
    const char *name;
    if (!PyArg_ParseTuple(args, "s", &name)) {
        return NULL;
    }
    int i = limit_number(name);
    return i >= 0
               ? PyLong_FromUnsignedLongLong(atomic_load(&state_in(module)->limits[i]))
               : NULL;
}

/* set_limit(name, value) */
static PyObject *core_set_limit(PyObject *module, PyObject *args) {
    const char *name;
    long long value;
    if (!PyArg_ParseTuple(args, "sL", &name, &value)) {
        return NULL;
    }
    int i = limit_number(name);
    if (i < 0) {
        return NULL;
    }
    if (value < 1 || (uint64_t)value > LIMITS[i].most) {
        return PyErr_Format(PyExc_ValueError,
                            "limits.%s must be between 1 and %llu, not %lld", name,
                            (unsigned long long)LIMITS[i].most, value);
    }
    atomic_store(&state_in(module)->limits[i], (uint64_t)value);
    return Py_NewRef(Py_None);
}

/* ---- the module ---- */

static PyMethodDef core_methods[] = {
    {"languages", core_languages, METH_NOARGS, "names of languages"},
    {"kernels", core_kernels, METH_NOARGS,
     "which kernels run: 'scalar', 'avx2', 'avx512'"},
    {"tokenize", core_tokenize, METH_VARARGS, "tokenize(text, lang) -> Block"},
    {"raise_status", core_raise_status, METH_VARARGS,
     "raise_status(code, message, query, pos, end, hint)"},
    {"limit", core_limit, METH_VARARGS, "limit(name) -> value"},
    {"set_limit", core_set_limit, METH_VARARGS, "set_limit(name, value)"},
    {"table", pmpy_table, METH_VARARGS, "table(names, types, columns) -> Block"},
    {"open", pmpy_open, METH_VARARGS, "open(path, generation, mode) -> Index"},
    {"verify", pmpy_verify, METH_VARARGS, "verify(path)"},
    {"parse", pmpy_parse, METH_VARARGS, "parse(text, mode) -> Query"},
    {"phrase", pmpy_phrase, METH_VARARGS, "phrase(text, layer, slop, n) -> Query"},
    {"near", pmpy_near, METH_VARARGS,
     "near(operands, within, ordered, scope) -> Query"},
    {"builder", pmpy_builder, METH_VARARGS,
     "builder(path, lang, fields, date, key, store, threads, replace) -> Builder"},
    {"writer", pmpy_writer, METH_VARARGS,
     "writer(path, timeout, memory, threads) -> Writer"},
    {"optimize", pmpy_optimize, METH_VARARGS,
     "optimize(path, timeout, memory, threads, restem) -> generation"},
    {"unzstd", pmpy_unzstd, METH_NOARGS, "unzstd() -> Unzstd"},
    {NULL, NULL, 0, NULL},
};

static int add_types(PyObject *module, pmpy_state *state) {
    const struct {
        PyType_Spec *spec;
        PyTypeObject **type;
    } TYPES[] = {
        {&pmpy_block_spec, &state->block_type},
        {&pmpy_column_spec, &state->column_type},
        {&pmpy_query_spec, &state->query_type},
        {&pmpy_index_spec, &state->index_type},
        {&pmpy_hits_spec, &state->hits_type},
        {&pmpy_builder_spec, &state->builder_type},
        {&pmpy_writer_spec, &state->writer_type},
        {&pmpy_unzstd_spec, &state->unzstd_type},
    };
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        *TYPES[i].type =
            (PyTypeObject *)PyType_FromModuleAndSpec(module, TYPES[i].spec, NULL);
        if (*TYPES[i].type == NULL || PyModule_AddType(module, *TYPES[i].type) < 0) {
            return -1;
        }
    }
    return 0;
}

static int core_exec(PyObject *module) {
    pmpy_state *state = state_in(module);
    limits_init(state);
    state->isascii = PyUnicode_InternFromString("isascii");
    PyObject *datetime = PyImport_ImportModule("datetime");
    if (state->isascii == NULL || datetime == NULL) {
        Py_XDECREF(datetime);
        return -1;
    }
    state->epoch = PyObject_CallMethod(datetime, "datetime", "iii", 1970, 1, 1);
    state->interval = PyObject_GetAttrString(datetime, "timedelta");
    Py_DECREF(datetime);
    if (state->epoch == NULL || state->interval == NULL ||
        pmpy_errors_init(state) < 0) {
        return -1;
    }
    return PyModule_AddStringConstant(module, "version", pm_version()) < 0
               ? -1
               : add_types(module, state);
}

static int core_traverse(PyObject *module, visitproc visit, void *arg) {
    pmpy_state *state = state_in(module);
    Py_VISIT(state->block_type);
    Py_VISIT(state->column_type);
    Py_VISIT(state->query_type);
    Py_VISIT(state->index_type);
    Py_VISIT(state->hits_type);
    Py_VISIT(state->builder_type);
    Py_VISIT(state->writer_type);
    Py_VISIT(state->unzstd_type);
    for (int i = 0; i < PMPY_N_ERRORS; i++) {
        Py_VISIT(state->errors[i]);
    }
    Py_VISIT(state->interval);
    return 0;
}

static int core_clear(PyObject *module) {
    pmpy_state *state = state_in(module);
    Py_CLEAR(state->block_type);
    Py_CLEAR(state->column_type);
    Py_CLEAR(state->query_type);
    Py_CLEAR(state->index_type);
    Py_CLEAR(state->hits_type);
    Py_CLEAR(state->builder_type);
    Py_CLEAR(state->writer_type);
    Py_CLEAR(state->unzstd_type);
    for (int i = 0; i < PMPY_N_ERRORS; i++) {
        Py_CLEAR(state->errors[i]);
    }
    Py_CLEAR(state->isascii);
    Py_CLEAR(state->epoch);
    Py_CLEAR(state->interval);
    return 0;
}

static void core_free(void *module) {
    core_clear(module);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, core_exec},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef core_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pressmark._core",
    .m_doc = "The extension beneath pressmark: use the package, not this.",
    .m_size = sizeof(pmpy_state),
    .m_methods = core_methods,
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&core_def);
}
