; What tables.c runs through page tables of its own making.

%include "tests/attack/trial.inc"

OUTSIDE		equ 0xD0000000

global split_code, split_code_second, split_code_end, split_run

bits 64

; RDI: the place; RSI: where nothing is.
table table_access_table

begin "read"
	mov	al, [rdi]
	finish
begin "write"
	mov	[rdi], al
	finish
begin "movs-from"
	xchg	rsi, rdi
	movsb
	finish
begin "movs-to"
	movsb
	finish
begin "ins"
	insb
	finish
begin "outs"
	mov	rsi, rdi
	outsb
	finish

end_table

split_code:
	mov	[rbx], rdx
	db	0xC7, 0x07, 0x44	; mov dword [rdi], 0x11223344
split_code_second:
	db	0x33, 0x22, 0x11
	jmp	r8
split_code_end:

; void split_run(void *code, u64 *entry, u64 changed)
split_run:
	push	rbx
	mov	rax, rdi
	mov	edi, scratch
	mov	ebx, scratch
	mov	r8, .second
	jmp	rax
.second:
	mov	rbx, rsi
	mov	edi, OUTSIDE
	mov	r8, .done
	jmp	rax
.done:	pop	rbx
	ret

section .bss
alignb 8
scratch:	resq 1
