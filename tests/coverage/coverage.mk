# Coverage: build/coverage/test_NAME from tests/host/test_NAME.c and the sources that it names, without
# sanitizers or optimisation, and with gcc's counters in what is the hypervisor's. tools/coverage.py
# runs them and reads the counters.

coverage_cflags := -std=gnu2x -g -O0 -Wall -Wextra $(WERROR) -I.
coverage_counted := hv/% arch/% drivers/% iommu/%

coverage_programs := $(patsubst tests/host/%.c,build/coverage/%,$(host_test_sources))
coverage_object = $(patsubst %.c,build/coverage/obj/%.o,$(1))

define coverage_program
build/coverage/$(basename $(notdir $(1))): $(call coverage_object,$(sort $(1) $(2)))
build/coverage/$(basename $(notdir $(1))): coverage_libs := $(3)
coverage_objects += $(call coverage_object,$(sort $(1) $(2)))
endef
$(foreach source,$(host_test_sources),$(eval $(call coverage_program,$(source),$(host_base) \
	tests/host/harness.c $(call named_sources,$(source)),-lcmocka $(call named_libs,$(source)))))

$(coverage_programs):
	$(call say,COVLD,$@)
	$(Q)$(host_cc) --coverage $^ $(coverage_libs) -o $@

build/coverage/obj/%.o: %.c build/coverage/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,COVCC,$<)
	$(Q)$(host_cc) $(coverage_cflags) $(if $(filter $(coverage_counted),$<),--coverage) -MMD -MP -c $< -o $@

build/coverage/obj/flags: FORCE
	$(call keep_if_same,$(host_cc) $(coverage_cflags) $(coverage_counted))

-include $(patsubst %.o,%.d,$(sort $(coverage_objects)))

.PHONY: coverage coverage-tests

coverage-tests: $(coverage_programs)

coverage:
	@tools/deps.sh build test
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) coverage-tests
	@exec tools/coverage.py
