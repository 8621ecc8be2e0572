# Guests of one assembly file each: build/attack/NAME.elf, a multiboot1 ELF32.

attack: $(patsubst tests/modes/%.asm,build/attack/%.elf,$(wildcard tests/modes/*.asm))

build/attack/%.elf: tests/modes/%.asm
	@mkdir -p $(@D)
	$(NASM) -f elf32 $< -o $@.o
	$(LD) -m elf_i386 -static -nostdlib -z max-page-size=4096 --no-warn-rwx-segments --build-id=none -N -Ttext=0x200000 -e start $@.o -o $@

