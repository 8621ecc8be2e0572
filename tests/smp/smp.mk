# The guest that uses all its CPUs: build/smp/smp.elf, a multiboot1 ELF32, of the shipped guest's library
# with a story of its own. It lies at 2 MiB. Included by the top Makefile, after guest/guest.mk, whose rules
# compile it.

smp_elf := build/smp/smp.elf
smp_sources := $(wildcard tests/smp/*.c) tests/attack/trial.c hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,apic.c boot.c clock.c console.c events.c exit.c memory.c paging.c pci.c traps.c)
smp_assembly := $(wildcard tests/smp/*.asm) tests/attack/trial.asm guest/start.asm guest/traps.asm
smp_objects := $(smp_sources:%.c=$(GUEST_BUILD)/obj/%.o) \
	$(smp_assembly:%.asm=$(GUEST_BUILD)/obj/%.asm.o)

.PHONY: smp
smp: $(smp_elf)

$(smp_elf): $(smp_objects) guest/guest.ld tests/smp/smp.mk
	@mkdir -p $(@D)
	$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		--defsym=image_base=0x200000 -T guest/guest.ld $(smp_objects) -o $@.64
	$(OBJCOPY) --strip-debug -O elf32-i386 $@.64 $@

-include $(smp_sources:%.c=$(GUEST_BUILD)/obj/%.d)
