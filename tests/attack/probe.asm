; Instructions that may be refused: a #GP at one of those below goes on behind it with the carry flag
; set, any other goes to the guest's own handler.

extern trap_stubs
global probe_init, probe_read_msr, probe_write_msr
global probe_write_cr0, probe_write_cr3, probe_write_cr4, probe_read_counter

VECTOR_GP	equ 13
GATE_SIZE	equ 16
STUB_SIZE	equ 16	; as in guest/traps.c
RFLAGS_CARRY	equ 1

section .text
bits 64

; void probe_init(void): replaces the target in #GP's gate, which is in three pieces.
probe_init:
	sub	rsp, 16
	sidt	[rsp]
	mov	rdx, [rsp + 2]
	add	rsp, 16
	mov	rax, general_protection
	mov	[rdx + VECTOR_GP * GATE_SIZE], ax
	shr	rax, 16
	mov	[rdx + VECTOR_GP * GATE_SIZE + 6], ax
	shr	rax, 16
	mov	[rdx + VECTOR_GP * GATE_SIZE + 8], eax
	ret

; bool probe_read_msr(u32 index, u64 *value)
probe_read_msr:
	mov	ecx, edi
	clc
.attempt:
	rdmsr
.behind:
	setnc	cl
	shl	rdx, 32
	or	rax, rdx
	mov	[rsi], rax
	movzx	eax, cl
	ret

; bool probe_write_msr(u32 index, u64 value)
probe_write_msr:
	mov	ecx, edi
	mov	eax, esi
	mov	rdx, rsi
	shr	rdx, 32
	clc
.attempt:
	wrmsr
.behind:
	setnc	al
	movzx	eax, al
	ret

; bool probe_write_cr0(u64 value)
probe_write_cr0:
	clc
.attempt:
	mov	cr0, rdi
.behind:
	setnc	al
	movzx	eax, al
	ret

; bool probe_write_cr3(u64 value)
probe_write_cr3:
	clc
.attempt:
	mov	cr3, rdi
.behind:
	setnc	al
	movzx	eax, al
	ret

; bool probe_write_cr4(u64 value)
probe_write_cr4:
	clc
.attempt:
	mov	cr4, rdi
.behind:
	setnc	al
	movzx	eax, al
	ret

; bool probe_read_counter(u32 index)
probe_read_counter:
	mov	ecx, edi
	clc
.attempt:
	rdpmc
.behind:
	setnc	al
	movzx	eax, al
	ret

section .rodata
align 8
attempts:
	dq	probe_read_msr.attempt, probe_read_msr.behind
	dq	probe_write_msr.attempt, probe_write_msr.behind
	dq	probe_write_cr0.attempt, probe_write_cr0.behind
	dq	probe_write_cr3.attempt, probe_write_cr3.behind
	dq	probe_write_cr4.attempt, probe_write_cr4.behind
	dq	probe_read_counter.attempt, probe_read_counter.behind
.end:

section .text

; On the stack: rax, rdx, error code, rip, cs, rflags, rsp, ss.
general_protection:
	push	rdx
	push	rax
	mov	rax, attempts
	mov	rdx, attempts.end
.next:	cmp	rax, rdx
	je	.foreign
	add	rax, 16
	push	rcx
	mov	rcx, [rax - 16]
	cmp	[rsp + 32], rcx
	pop	rcx
	jne	.next
	mov	rax, [rax - 8]
	mov	[rsp + 24], rax
	or	qword [rsp + 40], RFLAGS_CARRY
	pop	rax
	pop	rdx
	add	rsp, 8
	iretq
.foreign:
	pop	rax
	pop	rdx
	jmp	trap_stubs + VECTOR_GP * STUB_SIZE
