# The guest that runs random instructions: build/attack/random.elf, like attack.elf.

random_elf := build/attack/random.elf
random_sources := $(wildcard tests/random/*.c) hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,boot.c console.c exit.c memory.c)
random_assembly := $(wildcard tests/random/*.asm) guest/start.asm
random_objects := $(random_sources:%.c=$(GUEST_BUILD)/obj/%.o) \
	$(random_assembly:%.asm=$(GUEST_BUILD)/obj/%.asm.o)

attack: $(random_elf)

$(random_elf): $(random_objects) guest/guest.ld tests/random/random.mk
	@mkdir -p $(@D)
	$(LD) -m elf_x86_64 -static -nostdlib -z noexecstack -z max-page-size=4096 --build-id=none \
		--defsym=image_base=0x200000 -T guest/guest.ld $(random_objects) -o $@.64
	$(OBJCOPY) --strip-debug -O elf32-i386 $@.64 $@

-include $(random_sources:%.c=$(GUEST_BUILD)/obj/%.d)
