; What a CPU runs first after its startup IPI: copied to a page below 1 MiB. It keeps what it found in its
; registers, and goes to long mode with the tables and the GDT of the CPU that started it.

ARGS		equ 0xF00	; struct start_args
ARG_CR3		equ ARGS
ARG_ENTRY	equ ARGS + 8
ARG_STACKS	equ ARGS + 16
ARG_STACK_SIZE	equ ARGS + 24
ARG_NEXT	equ ARGS + 28
ARG_CS		equ ARGS + 32
ARG_EFLAGS	equ ARGS + 36
ARG_EDX		equ ARGS + 40
ARG_CR0		equ ARGS + 44
ARG_SELECTORS	equ ARGS + 48

extern nmi_handle
global ap_start, ap_end, ap_trap, ap_trap_end, nmi_entry

section .rodata
bits 16
ap_start:
	mov	[cs:ARG_EDX], edx
	mov	[cs:ARG_SELECTORS], ds
	mov	ax, es
	or	[cs:ARG_SELECTORS], ax
	mov	ax, ss
	or	[cs:ARG_SELECTORS], ax
	mov	ax, cs
	mov	ds, ax
	mov	[ARG_CS], ax
	xor	ebx, ebx
	mov	bx, ax
	shl	ebx, 4			; where the page is
	mov	ss, ax
	mov	sp, ARGS
	pushfd
	pop	dword [ARG_EFLAGS]
	and	dword [ARG_EFLAGS], ~0x8D5	; the arithmetic flags
	mov	eax, cr0
	mov	[ARG_CR0], eax
	lea	eax, [ebx + gdt - ap_start]
	mov	[gdt.base - ap_start], eax
	lea	eax, [ebx + long_mode - ap_start]
	mov	[far_target - ap_start], eax
	o32 lgdt [gdt.limit - ap_start]
	mov	eax, 1 << 5		; PAE
	mov	cr4, eax
	mov	eax, [ARG_CR3]
	mov	cr3, eax
	mov	ecx, 0xC0000080		; EFER.LME
	rdmsr
	or	eax, 1 << 8
	wrmsr
	mov	eax, 0x80010011		; PG, WP, ET, PE
	mov	cr0, eax
	jmp	dword far [far_target - ap_start]

align 4
far_target:
	dd 0
	dw 8
align 8
gdt:	dq 0
	dq 0x00209A0000000000
	dq 0x0000920000000000
.limit:	dw $ - gdt - 1
.base:	dd 0

bits 64
long_mode:
	mov	eax, 16
	mov	ss, eax
	mov	ds, eax
	mov	es, eax
	mov	edi, 1
	lock xadd [rbx + ARG_NEXT], edi	; which stack
	inc	edi
	and	edi, 7
	mov	eax, edi
	inc	eax
	mul	dword [rbx + ARG_STACK_SIZE]
	add	rax, [rbx + ARG_STACKS]
	mov	rsp, rax
	mov	rax, [rbx + ARG_ENTRY]
	xor	ebp, ebp
	call	rax
ap_end:

; Where a startup IPI leads to that must be ignored.
bits 16
ap_trap:
	mov	dword [cs:ARGS], 1
.stop:	hlt
	jmp	.stop
ap_trap_end:

section .text
bits 64
nmi_entry:
	push	rax
	push	rcx
	push	rdx
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	push	rbp
	mov	rbp, rsp
	and	rsp, ~15
	cld
	call	nmi_handle
	mov	rsp, rbp
	pop	rbp
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rdx
	pop	rcx
	pop	rax
	iretq
