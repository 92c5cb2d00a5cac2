# Builds the core as a plain static library, without Python, and the C tests against it.
#   make -f tools/core.mk [lib|test|fuzz] [SAN=1] [WERROR=1] [CC=clang] [BUILD=build/core]
# test: builds every tests/c/test_*.c and runs it; each exits 0 and prints one line.
BUILD ?= build/core
CSTD := -std=c11 -D_GNU_SOURCE
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wcast-align -Wundef -Wformat=2
CFLAGS += $(CSTD) $(WARN) -fvisibility=hidden -ffp-contract=off -Icsrc -MMD -MP -pthread
ifdef WERROR
CFLAGS += -Werror
endif
ifdef SAN
CFLAGS += -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
else
CFLAGS += -O2 -g
endif
LIBS := $(shell pkg-config --libs libxxhash libutf8proc libzstd) -lstemmer -lm -pthread

SOURCES := $(sort $(wildcard csrc/*.c csrc/*/*.c))
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/%.o)
TESTS := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/c/test_*.c)))
LIB := $(BUILD)/libpressmark.a

.PHONY: lib test tests clean
.SECONDARY:
lib: $(LIB)
tests: $(TESTS)
test: $(TESTS:%=%.run)
# Under the sanitizers the sweeps take fewer samples, so that all tests take minutes.
ifdef SAN
ARGS_test_crash := 1292
ARGS_test_damage := 29
ARGS_test_faults := 61
endif
$(BUILD)/tests/%.run: $(BUILD)/tests/%
	@$< $(ARGS_$*)

# Kernels are built for their own instruction sets and chosen at run time.
$(BUILD)/codec/%_avx2.o: CFLAGS += -mavx2 -mbmi -mbmi2 -mpopcnt
$(BUILD)/codec/%_avx512.o: CFLAGS += -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vbmi -mavx512vbmi2 -mavx512bitalg -mavx512vpopcntdq -mbmi -mbmi2 -mpopcnt

$(BUILD)/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@
$(LIB): $(OBJECTS)
	@rm -f $@
	ar rcs $@ $(OBJECTS)
$(BUILD)/tests/%: tests/c/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests/c $< $(LIB) $(LDFLAGS) $(LIBS) -o $@
clean:
	rm -rf $(BUILD)
-include $(OBJECTS:.o=.d) $(TESTS:=.d)
