# The guest that runs random instructions: build/attack/random.elf, like attack.elf.

random_elf := build/attack/random.elf
random_sources := $(wildcard tests/random/*.c) hv/vm/words.c hv/base/format.c hv/base/string.c \
	$(addprefix guest/,boot.c console.c exit.c memory.c)
random_assembly := $(wildcard tests/random/*.asm) guest/start.asm

attack: $(random_elf)

$(eval $(call linked_guest,random,$(random_elf)))
