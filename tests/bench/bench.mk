# The guest that measures: build/bench/bench.elf, a multiboot1 ELF32, the shipped guest's library with a
# story of its own. It lies at 2 MiB. Included by the top Makefile, after guest/guest.mk, whose rules compile
# it.

bench_elf := build/bench/bench.elf
bench_sources := $(wildcard tests/bench/*.c) tests/nvme/nvme.c tests/smp/cpus.c hv/vm/words.c \
	hv/base/pt.c hv/base/pool.c arch/x86/cache.c $(filter-out guest/main.c,$(GUEST_SOURCES))
bench_assembly := $(wildcard tests/bench/*.asm) tests/smp/ap.asm $(GUEST_ASSEMBLY)

.PHONY: bench-guest
bench-guest: $(bench_elf)

$(eval $(call linked_guest,bench,$(bench_elf)))
