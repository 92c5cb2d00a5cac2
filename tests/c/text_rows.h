/* The tables of docs/TOKENS.md as test rows: cells of a line, \u{...} and \n
 * decoded. */
#ifndef PM_TESTS_TEXT_ROWS_H
#define PM_TESTS_TEXT_ROWS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "text/utf8.h"

enum { MAX_CELLS = 8, CELL_BYTES = 1024 };

typedef struct row {
    char cell[MAX_CELLS][CELL_BYTES];
    int n;
} row;

static inline void row_decode(char *text) {
    char *to = text;
    for (const char *p = text; *p != '\0';) {
        if (strncmp(p, "\\u{", 3) == 0) {
            char *end;
            to += pm_utf8_encode((uint32_t)strtoul(p + 3, &end, 16), (uint8_t *)to);
            p = end + 1;
        } else if (p[0] == '\\' && (p[1] == 'n' || p[1] == 'r' || p[1] == 't')) {
            *to++ = p[1] == 'n' ? '\n' : p[1] == 'r' ? '\r' : '\t';
            p += 2;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
}

/* Splits "| a | `b` |" into trimmed cells without backquotes. */
static inline void row_split(const char *line, row *r) {
    r->n = 0;
    for (const char *p = line + 1; r->n < MAX_CELLS;) {
        const char *end = strchr(p, '|');
        if (end == NULL) {
            return;
        }
        const char *last = end;
        while (p < last && *p == ' ') {
            p++;
        }
        while (last > p && last[-1] == ' ') {
            last--;
        }
        if (last - p >= 2 && *p == '`') {
            p++;
            last--;
        }
        CHECK((size_t)(last - p) < CELL_BYTES);
        memcpy(r->cell[r->n], p, (size_t)(last - p));
        r->cell[r->n][last - p] = '\0';
        row_decode(r->cell[r->n++]);
        p = end + 1;
    }
}

/* Calls visit for each row of the table whose header line is given; answers how
 * many. */
static inline int rows_of(const char *header, void (*visit)(const row *r, void *ctx),
                          void *ctx) {
    FILE *f = fopen("docs/TOKENS.md", "rb");
    CHECK(f != NULL);
    static char line[16384];
    static row r;
    int n = 0, inside = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (inside == 0) {
            inside = strncmp(line, header, strlen(header)) == 0 ? 2 : 0;
        } else if (inside == 2) {
            inside = 1; /* |---| */
        } else if (line[0] != '|') {
            break;
        } else {
            row_split(line, &r);
            visit(&r, ctx);
            n++;
        }
    }
    fclose(f);
    return n;
}

#endif
