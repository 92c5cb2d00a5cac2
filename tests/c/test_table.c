/* Result tables: what was put is there, nulls and strings included; running out of
 * memory is told once and leaks nothing. */
#include <string.h>

#include "base/sys.h"
#include "base/table.h"
#include "check.h"
#include "failing_memory.h"

static const char *const NAMES[] = {"n", "rate", "open", "when", "word"};
static const pm_type TYPES[] = {PM_TYPE_I64, PM_TYPE_F64, PM_TYPE_BOOL, PM_TYPE_TIME,
                                PM_TYPE_STR};

static void fill(pm_table *t) {
    for (int i = 0; i < 3; i++) {
        if (i == 1) {
            for (size_t c = 0; c < 5; c++) {
                pm_table_put_null(t, c);
            }
            continue;
        }
        pm_table_put_i64(t, 0, i);
        pm_table_put_f64(t, 1, i / 2.0);
        pm_table_put_bool(t, 2, i > 0);
        pm_table_put_i64(t, 3, -i);
        pm_table_put_str(t, 4, "éab", (size_t)i + 2);
    }
}

static void test_table_holds_values_strings_and_nulls(void) {
    pm_table *t;
    pm_error err;
    CHECK(pm_table_new(3, 5, NAMES, TYPES, &t, &err) == PM_OK);
    CHECK(pm_table_check(t, &err) == PM_INTERNAL &&
          strstr(err.message, "column n has 0 of 3 rows") != NULL);
    fill(t);
    CHECK(pm_table_check(t, &err) == PM_OK);
    const pm_table_column *c = t->columns;
    CHECK(strcmp(c[4].name, "word") == 0 && c[3].type == PM_TYPE_TIME);
    CHECK(c[0].i64[2] == 2 && c[0].i64[1] == 0 && c[1].f64[2] == 1.0 &&
          c[2].flags[2] == 1 && c[3].i64[2] == -2);
    CHECK(c[4].offsets[0] == 0 && c[4].offsets[1] == 2 && c[4].offsets[2] == 2 &&
          c[4].offsets[3] == 6);
    CHECK(memcmp(c[4].chars.p, "ééab", 6) == 0);
    for (size_t i = 0; i < 5; i++) {
        CHECK(c[i].valid[0] == 1 && c[i].valid[1] == 0 && c[i].valid[2] == 1);
    }
    CHECK(pm_table_ref(t) == t);
    pm_table_unref(t);
    CHECK(t->columns[0].i64[2] == 2);
    pm_table_unref(t);
}

static void test_table_without_rows_or_columns(void) {
    pm_table *t;
    CHECK(pm_table_new(0, 5, NAMES, TYPES, &t, NULL) == PM_OK);
    CHECK(pm_table_check(t, NULL) == PM_OK && t->columns[4].offsets[0] == 0 &&
          t->columns[0].valid == NULL);
    pm_table_unref(t);
    CHECK(pm_table_new(7, 0, NULL, NULL, &t, NULL) == PM_OK &&
          pm_table_check(t, NULL) == PM_OK);
    pm_table_unref(t);
    pm_table_unref(NULL);
    CHECK(pm_table_new(SIZE_MAX, 5, NAMES, TYPES, &t, NULL) == PM_NOMEM);
}

static void test_every_failed_allocation_is_told(void) {
    pm_status status = PM_NOMEM;
    for (fake.fail_at = 1; status == PM_NOMEM; fake.fail_at++) {
        pm_table *t;
        pm_error err;
        fake.calls = 0;
        status = pm_table_new(3, 5, NAMES, TYPES, &t, &err);
        if (status == PM_OK) {
            fill(t);
            status = pm_table_check(t, &err);
            pm_table_unref(t);
        }
        CHECK(status == PM_OK || err.code == PM_NOMEM);
        CHECK(fake.blocks == 0 && fake.fail_at < 100);
    }
    CHECK(status == PM_OK && fake.fail_at > 15);
    fake.fail_at = 0;
}

int main(void) {
    pm_sys table = pm_sys_posix;
    table.alloc = fake_alloc;
    table.resize = fake_resize;
    table.release = fake_release;
    pm_sys_replace(&table);
    test_table_holds_values_strings_and_nulls();
    test_table_without_rows_or_columns();
    test_every_failed_allocation_is_told();
    CHECK(fake.blocks == 0);
    puts("table: ok");
    return 0;
}
