; To a burst's mode and back. Exceptions go on behind the instruction, as long as the burst's budget lasts;
; interrupts, and what is left of a burst, end it.

global burst_run, stubs_long, stubs_protected, to_own
extern burst_lost

%include "tests/random/burst.inc"

section .bss
align 8
saved_rsp:	resq 1
own_cr3:	resq 1

section .rodata
align 8
pointer_gdt:		dw 32 * 8 - 1
			dq GDT
align 8
pointer_idt_long:	dw 256 * 16 - 1
			dq IDT_LONG
align 8
pointer_idt:		dw 256 * 8 - 1
			dd IDT

section .text
bits 64
default abs

burst_run:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[saved_rsp], rsp
	mov	rax, cr3
	mov	[own_cr3], rax
	lgdt	[pointer_gdt]
	lidt	[pointer_idt_long]
	mov	eax, TASK_LONG
	ltr	ax
	mov	rbx, SYSTEM
	mov	qword [rbx + burst.running], 1
	mov	rsp, STACK_TOP
	cmp	qword [rbx + burst.way], WAY_LONG
	jne	.leave

	mov	ecx, MSR_EFER
	mov	rax, [rbx + burst.efer]
	xor	edx, edx
	wrmsr
	mov	rax, [rbx + burst.cr4]
	mov	cr4, rax
	mov	rax, [rbx + burst.cr3]
	mov	cr3, rax
	mov	rax, [rbx + burst.cr0]
	mov	cr0, rax
	mov	eax, [rbx + burst.ds]
	mov	ds, eax
	mov	eax, [rbx + burst.es]
	mov	es, eax
	mov	eax, [rbx + burst.fs]
	mov	fs, eax
	mov	eax, [rbx + burst.gs]
	mov	gs, eax
	push	qword [rbx + burst.ss]
	push	qword [rbx + burst.rsp]
	push	qword [rbx + burst.rflags]
	push	qword [rbx + burst.cs]
	push	qword [rbx + burst.rip]
	mov	rax, rbx
	mov	rcx, [rax + 8 * 1]
	mov	rdx, [rax + 8 * 2]
	mov	rbx, [rax + 8 * 3]
	mov	rbp, [rax + 8 * 5]
	mov	rsi, [rax + 8 * 6]
	mov	rdi, [rax + 8 * 7]
	mov	r8, [rax + 8 * 8]
	mov	r9, [rax + 8 * 9]
	mov	r10, [rax + 8 * 10]
	mov	r11, [rax + 8 * 11]
	mov	r12, [rax + 8 * 12]
	mov	r13, [rax + 8 * 13]
	mov	r14, [rax + 8 * 14]
	mov	r15, [rax + 8 * 15]
	mov	rax, [rax]
	iretq

.leave:	push	CODE_FLAT
	push	leave_long
	retfq

bits 32
leave_long:
	mov	eax, DATA_FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, STACK_TOP
	mov	eax, cr0
	and	eax, ~CR0_PG
	mov	cr0, eax
	mov	ecx, MSR_EFER
	mov	eax, [ebx + burst.efer]
	xor	edx, edx
	wrmsr
	lidt	[pointer_idt]
	mov	eax, TASK
	ltr	ax
	mov	eax, [ebx + burst.cr4]
	mov	cr4, eax
	mov	eax, [ebx + burst.cr3]
	mov	cr3, eax
	cmp	dword [ebx + burst.way], WAY_REAL
	je	.real
	mov	eax, [ebx + burst.cr0]
	mov	cr0, eax
	test	dword [ebx + burst.rflags], RFLAGS_VM
	jz	.plain
	push	dword [ebx + burst.gs]
	push	dword [ebx + burst.fs]
	push	dword [ebx + burst.ds]
	push	dword [ebx + burst.es]
	jmp	.outer
.plain:	mov	eax, [ebx + burst.es]
	mov	es, eax
	mov	eax, [ebx + burst.fs]
	mov	fs, eax
	mov	eax, [ebx + burst.gs]
	mov	gs, eax
	test	dword [ebx + burst.cs], 3
	jnz	.outer
	mov	esp, [ebx + burst.rsp]
	mov	eax, [ebx + burst.ss]
	mov	ss, eax
	jmp	.inner
.outer:	push	dword [ebx + burst.ss]
	push	dword [ebx + burst.rsp]
.inner:	push	dword [ebx + burst.rflags]
	push	dword [ebx + burst.cs]
	push	dword [ebx + burst.rip]
	mov	ecx, [ebx + 8 * 1]
	mov	edx, [ebx + 8 * 2]
	mov	ebp, [ebx + 8 * 5]
	mov	esi, [ebx + 8 * 6]
	mov	edi, [ebx + 8 * 7]
	mov	eax, [ebx + burst.ds]
	test	dword [ebx + burst.rflags], RFLAGS_VM
	jz	.own_data
	mov	eax, DATA_FLAT		; the return brings the other
.own_data:
	push	eax
	mov	eax, [ebx]
	mov	ebx, [ebx + 8 * 3]
	pop	ds
	iretd
.real:	jmp	CODE_LOW:REAL_STUB

; --- Protected mode's handlers: the vector is on the stack ---

%macro STUBS 1
%assign vector 0
%rep 256
	push	strict dword vector
	jmp	strict near %1
%assign vector vector + 1
%endrep
%endmacro

stubs_protected:
	STUBS protected_common

protected_common:
	push	ds
	push	eax
	push	ebx
	push	ecx
	mov	eax, DATA_FLAT
	mov	ds, eax
	mov	eax, [esp + 16]
	mov	ecx, SYSTEM
	mov	[ecx + burst.ended_by], eax
	inc	dword [ecx + burst.faults]
	cmp	eax, 32
	jae	to_own
	dec	dword [ecx + burst.resumes]
	js	to_own
	lea	ebx, [esp + 20]
	mov	ecx, WITH_ERROR
	bt	ecx, eax
	jnc	.found
	add	ebx, 4
.found:	mov	eax, [ss:ebx]
	mov	ecx, SYSTEM + burst.boundary
	mov	[ecx - burst.boundary + burst.end_rip], eax
	cmp	eax, [ecx + 8]
	jb	to_own
.next:	add	ecx, 8
	mov	eax, [ecx]
	cmp	eax, [ss:ebx]
	jbe	.next
	cmp	eax, ~0
	je	to_own
	mov	[ss:ebx], eax
	or	dword [ss:ebx + 8], RFLAGS_IF
	mov	ecx, ebx
	sub	ecx, esp
	cmp	ecx, 20
	pop	ecx
	pop	ebx
	pop	eax
	pop	ds
	lea	esp, [esp + 4]
	je	.leave
	lea	esp, [esp + 4]
.leave:	iretd

; From protected mode with any paging.
to_own:
	cli
	cld
	lgdt	[cs:pointer_gdt]
	mov	eax, DATA_FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, STACK_TOP
	mov	eax, CR0_OWN_32
	mov	cr0, eax
	mov	eax, CR4_OWN
	mov	cr4, eax
	mov	eax, [own_cr3]
	mov	cr3, eax
	mov	ecx, MSR_EFER
	mov	eax, EFER_OWN
	xor	edx, edx
	wrmsr
	mov	eax, CR0_OWN
	mov	cr0, eax
	jmp	CODE_LONG:finish

; --- Long mode's handlers, on a stack of their own ---

bits 64
stubs_long:
	STUBS long_common

long_common:
	push	rax
	push	rbx
	push	rcx
	push	rdx
	mov	rax, [rsp + 32]
	mov	ecx, SYSTEM
	cmp	dword [rcx + burst.running], 0
	je	lost
	mov	[rcx + burst.ended_by], rax
	inc	dword [rcx + burst.faults]
	cmp	eax, 32
	jae	long_to_own
	dec	dword [rcx + burst.resumes]
	js	long_to_own
	lea	rbx, [rsp + 40]
	mov	edx, WITH_ERROR
	bt	edx, eax
	jnc	.found
	add	rbx, 8
.found:	mov	ecx, SYSTEM + burst.boundary
	mov	rdx, [rbx]
	mov	[rcx - burst.boundary + burst.end_rip], rdx
	cmp	rdx, [rcx + 8]
	jb	long_to_own
.next:	add	rcx, 8
	mov	rax, [rcx]
	cmp	rax, -1
	je	long_to_own
	cmp	rax, rdx
	jbe	.next
	mov	[rbx], rax
	or	dword [rbx + 16], RFLAGS_IF
	lea	rax, [rsp + 40]
	cmp	rax, rbx
	pop	rdx
	pop	rcx
	pop	rbx
	pop	rax
	lea	rsp, [rsp + 8]
	je	.leave
	lea	rsp, [rsp + 8]
.leave:	iretq

long_to_own:
	cld
	lgdt	[pointer_gdt]
	mov	rax, CR0_OWN
	mov	cr0, rax
	mov	eax, CR4_OWN
	mov	cr4, rax
	mov	eax, [own_cr3]
	mov	cr3, rax
	mov	ecx, MSR_EFER
	mov	eax, EFER_OWN
	xor	edx, edx
	wrmsr

finish:	xor	eax, eax
	mov	dr7, rax
	mov	cr8, rax
	lidt	[pointer_idt_long]
	mov	eax, DATA_FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	eax, SYSTEM
	mov	qword [rax + burst.running], 0
	mov	rsp, [saved_rsp]
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

; An exception of this program itself, parts of which the bursts may have overwritten.
lost:	mov	rsp, STACK_TOP
	mov	rdi, rax
	call	burst_lost
