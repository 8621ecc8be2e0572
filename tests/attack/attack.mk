# The guest that attacks: build/attack/attack.elf, a multiboot1 ELF32, of the shipped guest's
# library with a story of its own. It lies at 2 MiB, so that the bus addresses where the
# hypervisor's image is in the host are free RAM in the guest. Included by the top Makefile, after
# guest/guest.mk, whose rules compile it.

attack_elf := build/attack/attack.elf
attack_sources := $(wildcard tests/attack/*.c) hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,apic.c boot.c clock.c console.c dma.c e1000.c events.c exit.c ioapic.c memory.c msi.c \
	paging.c pci.c sha256.c traps.c) tests/nvme/nvme.c
attack_assembly := $(wildcard tests/attack/*.asm) guest/start.asm guest/traps.asm
attack_objects := $(attack_sources:%.c=$(GUEST_BUILD)/obj/%.o) \
	$(attack_assembly:%.asm=$(GUEST_BUILD)/obj/%.asm.o)

.PHONY: attack
attack: $(attack_elf)

$(attack_elf): $(attack_objects) guest/guest.ld tests/attack/attack.mk
	@mkdir -p $(@D)
	$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		--defsym=image_base=0x200000 -T guest/guest.ld $(attack_objects) -o $@.64
	$(OBJCOPY) --strip-debug -O elf32-i386 $@.64 $@

-include $(attack_sources:%.c=$(GUEST_BUILD)/obj/%.d)
