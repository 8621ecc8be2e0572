; MSR accesses that may be refused: a #GP at one of the two instructions below goes on behind it
; with the carry flag set, any other goes to the guest's own handler.

extern trap_stubs
global probe_init, probe_read_msr, probe_write_msr

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

; On the stack: error code, rip, cs, rflags, rsp, ss. Both instructions are two bytes long.
general_protection:
	push	rax
	mov	rax, probe_read_msr.attempt
	cmp	[rsp + 16], rax
	je	.ours
	mov	rax, probe_write_msr.attempt
	cmp	[rsp + 16], rax
	je	.ours
	pop	rax
	jmp	trap_stubs + VECTOR_GP * STUB_SIZE
.ours:	add	qword [rsp + 16], 2
	or	qword [rsp + 32], RFLAGS_CARRY
	pop	rax
	add	rsp, 8
	iretq
