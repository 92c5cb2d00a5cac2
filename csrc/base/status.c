/* Fills errors. Texts are cut at the size of their field: a failure must be reportable
 * without memory. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *to, size_t size, const char *from) {
    size_t n = strlen(from);
    if (n >= size) {
        n = size - 1;
    }
    memcpy(to, from, n);
    to[n] = 0;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void pm_error_clear(pm_error *err) {
    if (err == NULL) {
        return;
    }
    err->code = PM_OK;
    err->os_errno = 0;
    err->offset = err->pos = err->end = PM_NO_OFFSET;
    err->file[0] = err->message[0] = err->hint[0] = 0;
}

static PM_PRINTF(3, 0) void fill(pm_error *err, pm_status code, const char *format,
                                 va_list args) {
    pm_error_clear(err);
    err->code = code;
    vsnprintf(err->message, sizeof err->message, format, args);
}

pm_status pm_fail(pm_error *err, pm_status code, const char *format, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, code, format, args);
        va_end(args);
    }
    return code;
}

pm_status pm_fail_corrupt(pm_error *err, const char *file, int64_t offset,
                          const char *format, ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, PM_CORRUPT, format, args);
        va_end(args);
        copy_text(err->file, sizeof err->file, base_name(file));
        err->offset = offset;
    }
    return PM_CORRUPT;
}

/* strerror_r comes in two types: GNU's returns the text, POSIX's fills the buffer. */
static inline const char *text_of_gnu(const char *text, const char *buffer) {
    (void)buffer;
    return text;
}
static inline const char *text_of_posix(int failed, const char *buffer) {
    return failed ? "unknown error" : buffer;
}
#define ERROR_TEXT(call, buffer)                                                       \
    _Generic((call), int : text_of_posix, default : text_of_gnu)((call), (buffer))

pm_status pm_fail_io(pm_error *err, int os_errno, const char *file, const char *what) {
    if (err == NULL) {
        return PM_IO;
    }
    char buffer[128] = "";
    const char *text = ERROR_TEXT(strerror_r(os_errno, buffer, sizeof buffer), buffer);
    pm_status code = pm_fail(err, PM_IO, "%s %s: %s", what, file, text);
    err->os_errno = os_errno;
    copy_text(err->file, sizeof err->file, base_name(file));
    return code;
}

pm_status pm_fail_nomem(pm_error *err, size_t bytes) {
    return pm_fail(err, PM_NOMEM, "out of memory (%zu bytes asked for)", bytes);
}

void pm_error_hint(pm_error *err, const char *format, ...) {
    if (err == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
}
