# The guest that attacks: build/attack/attack.elf, a multiboot1 ELF32, of the shipped guest's
# library with a story of its own. It lies at 2 MiB, so that the bus addresses where the
# hypervisor's image is in the host are free RAM in the guest. Included by the top Makefile, after
# guest/guest.mk, whose rules compile it.

attack_elf := build/attack/attack.elf
attack_sources := $(wildcard tests/attack/*.c) hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,apic.c boot.c clock.c console.c dma.c e1000.c events.c exit.c ioapic.c memory.c msi.c \
	paging.c pci.c sha256.c traps.c) tests/nvme/nvme.c
attack_assembly := $(wildcard tests/attack/*.asm) guest/start.asm guest/traps.asm

.PHONY: attack
attack: $(attack_elf)

$(eval $(call linked_guest,attack,$(attack_elf)))
