# The guest that uses all its CPUs: build/smp/smp.elf, a multiboot1 ELF32, of the shipped guest's library
# with a story of its own. It lies at 2 MiB. Included by the top Makefile, after guest/guest.mk, whose rules
# compile it.

smp_elf := build/smp/smp.elf
smp_sources := $(wildcard tests/smp/*.c) tests/attack/trial.c hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,apic.c boot.c clock.c console.c events.c exit.c memory.c paging.c pci.c traps.c)
smp_assembly := $(wildcard tests/smp/*.asm) tests/attack/trial.asm guest/start.asm guest/traps.asm

.PHONY: smp
smp: $(smp_elf)

$(eval $(call linked_guest,smp,$(smp_elf)))
