# The guest that measures: build/bench/bench.elf, a multiboot1 ELF32, the shipped guest's library with a
# story of its own. It lies at 2 MiB. Included by the top Makefile, after guest/guest.mk, whose rules compile
# it.

bench_elf := build/bench/bench.elf
bench_sources := $(wildcard tests/bench/*.c) tests/nvme/nvme.c tests/smp/cpus.c hv/vm/words.c \
	hv/base/pt.c hv/base/pool.c arch/x86/cache.c $(filter-out guest/main.c,$(GUEST_SOURCES))
bench_assembly := $(wildcard tests/bench/*.asm) tests/smp/ap.asm $(GUEST_ASSEMBLY)
bench_objects := $(bench_sources:%.c=$(GUEST_BUILD)/obj/%.o) \
	$(bench_assembly:%.asm=$(GUEST_BUILD)/obj/%.asm.o)

.PHONY: bench-guest
bench-guest: $(bench_elf)

$(bench_elf): $(bench_objects) guest/guest.ld tests/bench/bench.mk
	@mkdir -p $(@D)
	$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		--defsym=image_base=0x200000 -T guest/guest.ld $(bench_objects) -o $@.64
	$(OBJCOPY) --strip-debug -O elf32-i386 $@.64 $@

-include $(bench_sources:%.c=$(GUEST_BUILD)/obj/%.d)
