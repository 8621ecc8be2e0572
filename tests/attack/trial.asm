; trial_run(), see trial.h. All is static: there is one CPU, and trials don't nest.

extern trap_common
global trial_run, trial_done, trial_stubs

EXCEPTIONS	equ 32
STUB_SIZE	equ 16
WENT_ON		equ 256
RFLAGS_FIXED	equ 2
ERROR_CODES	equ 0x60227D00	; vectors whose exceptions push one

; struct trial
RFLAGS		equ 16 * 8
ERROR		equ 17 * 8
RIP_AT		equ 18 * 8
CR2_AT		equ 19 * 8

section .bss
alignb 8
frame:	resq 1	; the stack inside a trial, where the address of its struct lies; 0 outside
code:	resq 1
rax_:	resq 1
flags:	resq 1
vector:	resq 1
error:	resq 1
rip_:	resq 1

section .text
bits 64

; u32 trial_run(const void *code, struct trial *trial)
trial_run:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	push	rsi
	mov	[frame], rsp
	mov	[code], rdi
	push	qword [rsi + RFLAGS]
	mov	rax, [rsi]
	mov	rcx, [rsi + 1 * 8]
	mov	rdx, [rsi + 2 * 8]
	mov	rbx, [rsi + 3 * 8]
	mov	rbp, [rsi + 5 * 8]
	mov	rdi, [rsi + 7 * 8]
	mov	r8, [rsi + 8 * 8]
	mov	r9, [rsi + 9 * 8]
	mov	r10, [rsi + 10 * 8]
	mov	r11, [rsi + 11 * 8]
	mov	r12, [rsi + 12 * 8]
	mov	r13, [rsi + 13 * 8]
	mov	r14, [rsi + 14 * 8]
	mov	r15, [rsi + 15 * 8]
	mov	rsi, [rsi + 6 * 8]
	popfq
	jmp	[code]

; Where a piece of code jumps to when it is through, its stack wherever it likes.
trial_done:
	mov	[rax_], rax
	mov	rax, rsp
	mov	rsp, [frame]
	pushfq
	pop	qword [flags]
	mov	qword [vector], WENT_ON

; RSP is that of trial_run().
leave:
	cld
	mov	rax, [rsp]
	mov	[rax + 1 * 8], rcx
	mov	[rax + 2 * 8], rdx
	mov	[rax + 3 * 8], rbx
	mov	[rax + 5 * 8], rbp
	mov	[rax + 6 * 8], rsi
	mov	[rax + 7 * 8], rdi
	mov	[rax + 8 * 8], r8
	mov	[rax + 9 * 8], r9
	mov	[rax + 10 * 8], r10
	mov	[rax + 11 * 8], r11
	mov	[rax + 12 * 8], r12
	mov	[rax + 13 * 8], r13
	mov	[rax + 14 * 8], r14
	mov	[rax + 15 * 8], r15
	mov	rcx, [rax_]
	mov	[rax], rcx
	mov	rcx, [flags]
	mov	[rax + RFLAGS], rcx
	mov	rcx, [error]
	mov	[rax + ERROR], rcx
	mov	rcx, [rip_]
	mov	[rax + RIP_AT], rcx
	mov	rcx, cr2
	mov	[rax + CR2_AT], rcx
	mov	qword [frame], 0
	mov	eax, [vector]
	pop	rsi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

; By IRET, after which NMIs are open again.
exception:
	cmp	qword [frame], 0
	je	trap_common ; the guest's own
	mov	[rax_], rax
	pop	qword [vector]
	pop	qword [error]
	pop	qword [rip_]
	mov	rax, [rsp + 8]
	mov	[flags], rax
	mov	qword [rsp + 8], RFLAGS_FIXED
	mov	rax, [frame]
	mov	[rsp + 16], rax
	push	leave
	iretq

align STUB_SIZE
trial_stubs:
%assign n 0
%rep EXCEPTIONS
	align	STUB_SIZE
%if ((ERROR_CODES >> n) & 1) == 0
	push	0
%endif
	push	n
	jmp	exception
%assign n n + 1
%endrep
