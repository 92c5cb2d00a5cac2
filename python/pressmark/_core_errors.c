/* The one place that raises: each pm_status becomes one exception. The texts, and the
 * caret under a query, are made by the classes in _errors.py. */
#include "_core.h"

#include <errno.h>
#include <string.h>

static const char *const NAMES[PMPY_N_ERRORS] = {
    [PMPY_SYNTAX] = "QuerySyntaxError",     [PMPY_AMBIGUOUS] = "AmbiguousQueryError",
    [PMPY_FIELD] = "UnknownFieldError",     [PMPY_LIMIT] = "LimitError",
    [PMPY_DUPLICATE] = "DuplicateKeyError", [PMPY_FOREIGN] = "NotAnIndexError",
    [PMPY_CORRUPT] = "CorruptIndexError",   [PMPY_VERSION] = "VersionError",
    [PMPY_LOCKED] = "LockedError",          [PMPY_GONE] = "GenerationGoneError",
};

int pmpy_errors_init(pmpy_state *state) {
    PyObject *module = PyImport_ImportModule("pressmark._errors");
    if (module == NULL) {
        return -1;
    }
    for (int i = 0; i < PMPY_N_ERRORS; i++) {
        state->errors[i] = PyObject_GetAttrString(module, NAMES[i]);
        if (state->errors[i] == NULL) {
            Py_DECREF(module);
            return -1;
        }
    }
    Py_DECREF(module);
    return 0;
}

/* A number, or None where there is none. */
static PyObject *place(int64_t at) {
    if (at == PM_NO_OFFSET) {
        return Py_NewRef(Py_None);
    }
    return PyLong_FromLongLong(at);
}

static void set_called(PyObject *type, PyObject *made) {
    if (made != NULL) {
        PyErr_SetObject(type, made);
        Py_DECREF(made);
    }
}

/* cls(message, query, pos, end, hint) */
static void raise_query(PyObject *type, const pm_error *err, PyObject *query) {
    set_called(type,
               PyObject_CallFunction(type, "NONNN", pmpy_str(err->message),
                                     query != NULL ? query : Py_None, place(err->pos),
                                     place(err->end), pmpy_str(err->hint)));
}

/* cls(message, hint, number): the newest generation */
static void raise_gone(PyObject *type, const pm_error *err) {
    set_called(type, PyObject_CallFunction(type, "NNN", pmpy_str(err->message),
                                           pmpy_str(err->hint), place(err->offset)));
}

/* cls(message, hint, number, name): the owner's process and host */
static void raise_locked(PyObject *type, const pm_error *err) {
    set_called(type, PyObject_CallFunction(type, "NNNN", pmpy_str(err->message),
                                           pmpy_str(err->hint), place(err->offset),
                                           pmpy_str(err->file)));
}

/* cls(message, file, offset, hint) */
static void raise_file(PyObject *type, const pm_error *err) {
    set_called(type, PyObject_CallFunction(type, "NNNN", pmpy_str(err->message),
                                           pmpy_str(err->file), place(err->offset),
                                           pmpy_str(err->hint)));
}

static void raise_text(PyObject *type, const pm_error *err) {
    PyObject *text = err->hint[0] != 0
                         ? PyUnicode_FromFormat("%s (%s)", err->message, err->hint)
                         : pmpy_str(err->message);
    if (text != NULL) {
        PyErr_SetObject(type, text);
        Py_DECREF(text);
    }
}

/* OSError chooses its subclass by errno. */
static void raise_os(const pm_error *err, int os_errno) {
    if (os_errno == 0) {
        raise_text(PyExc_OSError, err);
        return;
    }
    set_called(PyExc_OSError, PyObject_CallFunction(PyExc_OSError, "iN", os_errno,
                                                    pmpy_str(err->message)));
}

PyObject *pmpy_raise(pmpy_state *state, const pm_error *err, PyObject *query) {
    switch (err->code) {
    case PM_NOMEM:
        raise_text(PyExc_MemoryError, err);
        break;
    case PM_IO:
        raise_os(err, err->os_errno);
        break;
    case PM_EXISTS:
        raise_os(err, EEXIST);
        break;
    case PM_INVALID:
        raise_text(PyExc_ValueError, err);
        break;
    /* the signal's exception, if any, is pending and was not replaced */
    case PM_CANCELLED:
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        break;
    case PM_SYNTAX:
        raise_query(state->errors[PMPY_SYNTAX], err, query);
        break;
    case PM_AMBIGUOUS:
        raise_query(state->errors[PMPY_AMBIGUOUS], err, query);
        break;
    case PM_FIELD:
        raise_query(state->errors[PMPY_FIELD], err, query);
        break;
    case PM_LIMIT:
        raise_query(state->errors[PMPY_LIMIT], err, query);
        break;
    case PM_DUPLICATE:
        raise_text(state->errors[PMPY_DUPLICATE], err);
        break;
    case PM_LOCKED:
        raise_locked(state->errors[PMPY_LOCKED], err);
        break;
    case PM_GONE:
        raise_gone(state->errors[PMPY_GONE], err);
        break;
    case PM_FOREIGN:
        raise_file(state->errors[PMPY_FOREIGN], err);
        break;
    case PM_CORRUPT:
        raise_file(state->errors[PMPY_CORRUPT], err);
        break;
    case PM_TOO_OLD:
    case PM_TOO_NEW:
        raise_file(state->errors[PMPY_VERSION], err);
        break;
    case PM_OK:
    case PM_INTERNAL:
    default:
        PyErr_Format(PyExc_SystemError, "a bug in pressmark: %s", err->message);
        break;
    }
    return NULL;
}

/* ---- long work without the GIL ---- */

static bool poll_signals(void *ctx) {
    pmpy_run *run = ctx;
    PyEval_RestoreThread(run->thread);
    bool stop = PyErr_CheckSignals() != 0;
    run->thread = PyEval_SaveThread();
    return stop;
}

void pmpy_begin(pmpy_run *run) {
    pm_error_clear(&run->err);
    pm_cancel_init(&run->cancel, poll_signals, run);
    run->thread = PyEval_SaveThread();
}

bool pmpy_end(pmpy_run *run, pmpy_state *state, pm_status status, PyObject *query) {
    PyEval_RestoreThread(run->thread);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    if (status != PM_OK) {
        pmpy_raise(state, &run->err, query);
        return false;
    }
    return true;
}
