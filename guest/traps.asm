; One stub for each vector, 16 bytes apart: it leaves the vector (and a zero where the CPU pushes no
; error code) on the stack and goes on to the common part, which saves what C may clobber.

extern trap_handle
global trap_stubs, trap_common

; Vectors whose exceptions push an error code: 8, 10-14, 17, 21, 29, 30.
TRAPS_WITH_ERROR_CODE equ 0x60227D00

section .text
bits 64

align 16
trap_stubs:
%assign vector 0
%rep 256
	align 16
%if vector >= 32 || ((TRAPS_WITH_ERROR_CODE >> vector) & 1) == 0
	push	0
%endif
	push	strict dword vector
	jmp	trap_common
%assign vector vector + 1
%endrep

; The order of the pushes is that of struct trap_frame, backwards.
trap_common:
	push	rax
	push	rcx
	push	rdx
	push	rbx
	push	rbp
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	push	r13
	push	r14
	push	r15
	cld
	mov	rdi, rsp
	call	trap_handle
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rbp
	pop	rbx
	pop	rdx
	pop	rcx
	pop	rax
	add	rsp, 16
	iretq
