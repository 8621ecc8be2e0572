; To real mode and back; this is copied to REAL_STUB, which is below 1 MiB.

global real_stub, real_stub_end, real_vectors
extern to_own

%include "tests/random/burst.inc"

section .text

%define REAL(label) (label - real_stub + REAL_STUB)

bits 16
real_stub:
	mov	ax, [REAL_BURST + burst.real_selector]
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	eax, [REAL_BURST + burst.cr0]
	mov	cr0, eax
	jmp	0:REAL(.real)
.real:	lidt	[cs:REAL(.vectors)]
	mov	ss, [cs:REAL_BURST + burst.ss]
	mov	esp, [cs:REAL_BURST + burst.rsp]
	push	word [cs:REAL_BURST + burst.rflags]
	push	word [cs:REAL_BURST + burst.cs]
	push	word [cs:REAL_BURST + burst.rip]
	mov	es, [cs:REAL_BURST + burst.es]
	mov	ds, [cs:REAL_BURST + burst.ds]
	mov	fs, [cs:REAL_BURST + burst.fs]
	mov	gs, [cs:REAL_BURST + burst.gs]
	mov	eax, [cs:REAL_BURST + 8 * 0]
	mov	ecx, [cs:REAL_BURST + 8 * 1]
	mov	edx, [cs:REAL_BURST + 8 * 2]
	mov	ebx, [cs:REAL_BURST + 8 * 3]
	mov	ebp, [cs:REAL_BURST + 8 * 5]
	mov	esi, [cs:REAL_BURST + 8 * 6]
	mov	edi, [cs:REAL_BURST + 8 * 7]
	iret
.vectors:
	dw	0x3ff
	dd	0
.gdt:	dw	32 * 8 - 1
	dd	GDT

; All of real mode's vectors lead here, 4 bytes apart: a call tells which one it was.
	align	16, db 0
real_vectors:
%rep 256
	call	real_common
	nop
%endrep

real_common:
	push	bp
	push	ax
	push	bx
	mov	bp, sp
	mov	ax, [bp + 6]
	sub	ax, REAL(real_vectors)
	shr	ax, 2
	mov	[cs:REAL_BURST + burst.ended_by], ax
	inc	word [cs:REAL_BURST + burst.faults]
	cmp	ax, 32
	jae	.end
	dec	word [cs:REAL_BURST + burst.resumes]
	js	.end
	mov	bx, REAL_BURST + burst.boundary
.next:	add	bx, 8
	mov	ax, [cs:bx]
	cmp	ax, [bp + 8]
	jbe	.next
	cmp	ax, ~0
	je	.end
	mov	[bp + 8], ax
	or	word [bp + 12], RFLAGS_IF
	pop	bx
	pop	ax
	pop	bp
	lea	sp, [esp + 2]
	iret
.end:	cli
	lgdt	[cs:REAL(real_stub.gdt)]
	mov	eax, CR0_OWN_32
	mov	cr0, eax
	jmp	dword CODE_FLAT:to_own
real_stub_end:
