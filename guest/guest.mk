# The guest that ships with Sluice: build/guest/sluice-guest.elf (a multiboot1 ELF32 with a PVH note)
# and the same program as ELF64: build/guest/sluice-guest64.elf for PVH loaders, and
# build/guest/sluice-guest64-multiboot.elf, which has the multiboot1 header too. Included by the top
# Makefile; `make -f guest/guest.mk` from the top folder works too.

GUEST_BUILD := build/guest

.PHONY: guest
guest: $(GUEST_BUILD)/sluice-guest.elf $(GUEST_BUILD)/sluice-guest64.elf \
	$(GUEST_BUILD)/sluice-guest64-multiboot.elf

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin LD),default)
LD := ld
endif
NASM ?= nasm
OBJCOPY ?= objcopy

GUEST_CFLAGS := -std=gnu2x -ffreestanding -O2 -g -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie \
	-fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -I. -MMD -MP

GUEST_SOURCES := $(sort $(wildcard guest/*.c guest/net/*.c)) hv/base/format.c hv/base/string.c
GUEST_ASSEMBLY := $(sort $(wildcard guest/*.asm))
GUEST_OBJECTS := $(GUEST_SOURCES:%.c=$(GUEST_BUILD)/obj/%.o) \
	$(GUEST_ASSEMBLY:%.asm=$(GUEST_BUILD)/obj/%.asm.o)

$(GUEST_BUILD)/obj/%.o: %.c guest/guest.mk
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c $< -o $@

$(GUEST_BUILD)/obj/%.asm.o: %.asm guest/guest.mk
	@mkdir -p $(@D)
	$(NASM) -f elf64 $< -o $@

$(GUEST_BUILD)/linked.elf: $(GUEST_OBJECTS) guest/guest.ld
	$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		-T guest/guest.ld $(GUEST_OBJECTS) -o $@

# QEMU's multiboot loader takes ELF32 only; the code in it is 64-bit all the same.
$(GUEST_BUILD)/sluice-guest.elf: $(GUEST_BUILD)/linked.elf
	$(OBJCOPY) --strip-debug -O elf32-i386 $< $@

# Without the multiboot header: QEMU would see it, take the multiboot way and refuse an ELF64.
$(GUEST_BUILD)/sluice-guest64.elf: $(GUEST_BUILD)/linked.elf
	$(OBJCOPY) --strip-debug --remove-section=.multiboot $< $@

# With both: Sluice takes multiboot's way, as it does for every kernel that has a header.
$(GUEST_BUILD)/sluice-guest64-multiboot.elf: $(GUEST_BUILD)/linked.elf
	$(OBJCOPY) --strip-debug $< $@

-include $(GUEST_SOURCES:%.c=$(GUEST_BUILD)/obj/%.d)

# $(call linked_guest,NAME,ELF) links a test's guest, a multiboot1 ELF32 at 2 MiB, from what NAME_sources and
# NAME_assembly list.
define linked_guest
$(1)_objects := $$($(1)_sources:%.c=$$(GUEST_BUILD)/obj/%.o) \
	$$($(1)_assembly:%.asm=$$(GUEST_BUILD)/obj/%.asm.o)
$(2): $$($(1)_objects) guest/guest.ld guest/guest.mk tests/$(1)/$(1).mk
	@mkdir -p $$(@D)
	$$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		--defsym=image_base=0x200000 -T guest/guest.ld $$($(1)_objects) -o $$@.64
	$$(OBJCOPY) --strip-debug -O elf32-i386 $$@.64 $$@

-include $$($(1)_sources:%.c=$$(GUEST_BUILD)/obj/%.d)
endef
