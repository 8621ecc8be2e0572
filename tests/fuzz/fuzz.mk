# Fuzzing: build/fuzz/fuzz_NAME from tests/fuzz/fuzz_NAME.c and the sources that it names, by clang with
# libFuzzer and the sanitizers. tools/fuzz.py runs them.

fuzz_cc := clang
fuzz_cflags := -std=gnu2x -g -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -Wall -Wextra -Wshadow -Wundef $(WERROR) -I.

fuzz_sources := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_programs := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(fuzz_sources))
fuzz_base := hv/base/status.c hv/base/format.c hv/base/log.c hv/platform/acpi_table.c \
	tests/host/harness.c tests/fuzz/fuzz.c
fuzz_object = $(patsubst %.c,build/fuzz/obj/%.o,$(1))

define fuzz_program
build/fuzz/$(basename $(notdir $(1))): $(call fuzz_object,$(sort $(1) $(2)))
build/fuzz/$(basename $(notdir $(1))): fuzz_libs := $(3)
fuzz_objects += $(call fuzz_object,$(sort $(1) $(2)))
endef
$(foreach source,$(fuzz_sources),$(eval $(call fuzz_program,$(source),$(fuzz_base) \
	$(call named_sources,$(source)),$(call named_libs,$(source)))))

$(fuzz_programs):
	$(call say,FUZZLD,$@)
	$(Q)$(fuzz_cc) $(fuzz_cflags) -fsanitize=fuzzer $^ $(fuzz_libs) -o $@

build/fuzz/obj/%.o: %.c build/fuzz/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,FUZZCC,$<)
	$(Q)$(fuzz_cc) $(fuzz_cflags) -MMD -MP -c $< -o $@

build/fuzz/obj/flags: FORCE
	$(call keep_if_same,$(fuzz_cc) $(fuzz_cflags))

-include $(patsubst %.o,%.d,$(sort $(fuzz_objects)))

.PHONY: fuzz fuzzers

fuzzers: $(fuzz_programs)

SECONDS ?= 600

fuzz:
	@tools/deps.sh build test
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) fuzzers
	@exec tools/fuzz.py '$(SECONDS)'
