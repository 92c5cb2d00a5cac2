/* Queries over damaged files: bytes of a small index are changed, with the checksums
 * repaired or not, and everything is asked of it. Any answer or error will do; a crash,
 * a hang or a sanitizer's report will not. Argument: look at every n-th byte (default
 * 7). */
#include <unistd.h>

#include "base/sys.h"
#include "query_fixture.h"

static uint8_t *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL);
    CHECK(fseek(f, 0, SEEK_END) == 0);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*n + 1);
    CHECK(bytes != NULL && fread(bytes, 1, *n, f) == *n);
    fclose(f);
    return bytes;
}

static void write_file(const char *path, const uint8_t *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(bytes, 1, n, f) == n);
    fclose(f);
}

static void ask(const char *path) {
    pm_error err;
    pm_status status = fixture_read(path, true, &err);
    (void)status;
}

/* Changes every step-th byte of a file of the index in three ways. */
static size_t damage(const char *path, const char *name, size_t step) {
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    char file[96];
    size_t n, tried = 0;
    snprintf(file, sizeof file, "%s/%s", path, name);
    uint8_t *bytes = read_file(file, &n);
    for (size_t i = 0; i < n; i += step) {
        for (size_t k = 0; k < sizeof changes; k++, tried++) {
            bytes[i] ^= changes[k];
            write_file(file, bytes, n);
            ask(path);
            bytes[i] ^= changes[k];
        }
    }
    write_file(file, bytes, n);
    free(bytes);
    return tried;
}

int main(int argc, char **argv) {
    char dir[] = "/tmp/pressmark-query-damage-XXXXXX", path[64];
    size_t step = argc > 1 ? (size_t)atol(argv[1]) : 7, tried;
    pm_error err;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/index", dir);
    CHECK(fixture_build(path, 0, true, &err) == PM_OK);
    CHECK(fixture_read(path, false, &err) == PM_OK);
    tried = damage(path, "0000000001.seg", step);
    fixture_delete(path);
    CHECK(fixture_read(path, false, &err) == PM_OK);
    tried += damage(path, "0000000001.seg", 3 * step);
    tried += damage(path, "0000000002.del", step > 3 ? step / 3 : 1);
    pm_dir_remove(path);
    CHECK(rmdir(dir) == 0);
    printf("test_query_damage: %zu damaged files answered or refused\n", tried);
    return 0;
}
