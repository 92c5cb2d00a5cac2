/* Queries over damaged files: bytes of a small index are changed, with the checksums
 * repaired or not, and everything is asked of it. Any answer or error will do; a crash,
 * a hang or a sanitizer's report will not. Argument: look at every n-th byte (default
 * 7). */
#include <unistd.h>

#include "base/hash.h"
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

int main(int argc, char **argv) {
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    char dir[] = "/tmp/pressmark-query-damage-XXXXXX", path[64], file[96];
    size_t n, step = argc > 1 ? (size_t)atol(argv[1]) : 7, tried = 0;
    pm_error err;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/index", dir);
    CHECK(fixture_build(path, 0, true, &err) == PM_OK);
    CHECK(fixture_read(path, false, &err) == PM_OK);
    snprintf(file, sizeof file, "%s/0000000001.seg", path);
    uint8_t *bytes = read_file(file, &n);
    for (size_t i = 0; i < n; i += step) {
        for (size_t k = 0; k < sizeof changes; k++, tried++) {
            bytes[i] ^= changes[k];
            write_file(file, bytes, n);
            ask(path);
            bytes[i] ^= changes[k];
        }
    }
    free(bytes);
    pm_dir_remove(path);
    CHECK(rmdir(dir) == 0);
    printf("test_query_damage: %zu damaged files answered or refused\n", tried);
    return 0;
}
