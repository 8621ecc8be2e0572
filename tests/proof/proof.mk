# Proofs: build/proof/proof_NAME from tests/proof/proof_NAME.c and the sources that it names, with the
# sanitizers. tools/proof.py runs them, or gives them to CBMC.

proof_cflags := $(filter-out -O1,$(host_cflags)) -O2

proof_sources := $(wildcard tests/proof/proof_*.c)
proof_programs := $(patsubst tests/proof/%.c,build/proof/%,$(proof_sources))
proof_object = $(patsubst %.c,build/proof/obj/%.o,$(1))

define proof_program
build/proof/$(basename $(notdir $(1))): $(call proof_object,$(sort $(1) $(2)))
proof_objects += $(call proof_object,$(sort $(1) $(2)))
endef
$(foreach source,$(proof_sources),$(eval $(call proof_program,$(source),tests/proof/proof.c \
	$(call named_sources,$(source)))))

$(proof_programs):
	$(call say,PROOFLD,$@)
	$(Q)$(host_cc) $(proof_cflags) $^ -o $@

build/proof/obj/%.o: %.c build/proof/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,PROOFCC,$<)
	$(Q)$(host_cc) $(proof_cflags) -MMD -MP -c $< -o $@

build/proof/obj/flags: FORCE
	$(call keep_if_same,$(host_cc) $(proof_cflags))

-include $(patsubst %.o,%.d,$(sort $(proof_objects)))

.PHONY: proof proofs

proofs: $(proof_programs)

proof:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) proofs
	@exec tools/proof.py
