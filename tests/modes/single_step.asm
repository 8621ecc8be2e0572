; A guest that steps through instructions that exit, by RFLAGS.TF: what an exit leaves of a step is not the
; hypervisor's. Ends with code 0 if there were traps.

MULTIBOOT_HEADER_MAGIC	equ 0x1BADB002
RFLAGS_TF		equ 1 << 8
EXIT_PORT		equ 0xF4
GATE			equ 0x8e00	; present, 32-bit interrupt gate
VECTOR_DB		equ 1

section .text
	dd MULTIBOOT_HEADER_MAGIC
	dd 0
	dd -MULTIBOOT_HEADER_MAGIC

bits 32
global start
start:
	mov	esp, stack_top
	lgdt	[gdt_pointer]
	jmp	0x08:.flat
.flat:	mov	eax, 0x10
	mov	ss, eax
	mov	ds, eax
	mov	eax, debug
	mov	[idt + 8 * VECTOR_DB], ax
	mov	word [idt + 8 * VECTOR_DB + 2], 0x08
	mov	word [idt + 8 * VECTOR_DB + 4], GATE
	shr	eax, 16
	mov	[idt + 8 * VECTOR_DB + 6], ax
	lidt	[idt_pointer]

	xor	esi, esi
	pushfd
	or	dword [esp], RFLAGS_TF
	popfd
	in	al, 0x4a		; these
	xor	eax, eax
	cpuid
	in	al, 0x4a
	pushfd
	and	dword [esp], ~RFLAGS_TF
	popfd				; up to here

	; Whether there is a trap after an instruction that was carried out for the guest is not promised.
	cmp	esi, 3
	setb	al
	out	EXIT_PORT, al
.stop:	hlt
	jmp	.stop

debug:	inc	esi
	iretd

align 8
gdt:	dq	0
	dq	0x00cf9a000000ffff
	dq	0x00cf92000000ffff
gdt_pointer:
	dw	23
	dd	gdt
idt_pointer:
	dw	2 * 8 - 1
	dd	idt

section .bss
align 8
idt:	resq	2
	resb	1024
stack_top:
