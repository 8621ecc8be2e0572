; XSETBV, and the 16 YMM registers. An XSETBV that is refused goes on behind it with the carry flag set.

extern trap_stubs
global vectors_init, vectors_set, vectors_get, vectors_load, vectors_store, vectors_add

VECTOR_UD	equ 6
VECTOR_GP	equ 13
GATE_SIZE	equ 16
STUB_SIZE	equ 16	; as in guest/traps.c
RFLAGS_CARRY	equ 1

section .text
bits 64

; The target in the gate of a vector, which is in three pieces; rdx is the table's address.
%macro SET_GATE 2
	mov	rax, %2
	mov	[rdx + %1 * GATE_SIZE], ax
	shr	rax, 16
	mov	[rdx + %1 * GATE_SIZE + 6], ax
	shr	rax, 16
	mov	[rdx + %1 * GATE_SIZE + 8], eax
%endmacro

; void vectors_init(void)
vectors_init:
	sub	rsp, 16
	sidt	[rsp]
	mov	rdx, [rsp + 2]
	add	rsp, 16
	SET_GATE VECTOR_UD, undefined
	SET_GATE VECTOR_GP, general_protection
	ret

; bool vectors_set(u32 index, u64 value): XSETBV
vectors_set:
	mov	ecx, edi
	mov	eax, esi
	mov	rdx, rsi
	shr	rdx, 32
	clc
.attempt:
	xsetbv
.behind:
	setnc	al
	movzx	eax, al
	ret

; u64 vectors_get(void): XCR0
vectors_get:
	xor	ecx, ecx
	xgetbv
	shl	rdx, 32
	or	rax, rdx
	ret

; void vectors_load(const struct vectors *), void vectors_store(struct vectors *)
vectors_load:
%assign n 0
%rep 16
	vmovups	ymm %+ n, [rdi + 32 * n]
%assign n n + 1
%endrep
	ret

vectors_store:
%assign n 0
%rep 16
	vmovups	[rdi + 32 * n], ymm %+ n
%assign n n + 1
%endrep
	ret

; void vectors_add(const double add[4]): to each register
vectors_add:
%assign n 0
%rep 16
	vaddpd	ymm %+ n, ymm %+ n, [rdi]
%assign n n + 1
%endrep
	ret

; On the stack: rip, cs, rflags, rsp, ss; of #GP an error code before them.
general_protection:
	push	rax
	mov	rax, vectors_set.attempt
	cmp	[rsp + 16], rax
	pop	rax
	jne	trap_stubs + VECTOR_GP * STUB_SIZE
	add	rsp, 8
	jmp	refused

undefined:
	push	rax
	mov	rax, vectors_set.attempt
	cmp	[rsp + 8], rax
	pop	rax
	jne	trap_stubs + VECTOR_UD * STUB_SIZE

refused:
	mov	qword [rsp], vectors_set.behind
	or	qword [rsp + 16], RFLAGS_CARRY
	iretq
