; A guest that has EFER.LME without CR4.PAE and without paging, in protected mode and then in real mode, and
; exits there: QEMU's TCG does not load the host's CR0 at such an exit. Then it ends with code 0.

MULTIBOOT_HEADER_MAGIC	equ 0x1BADB002
MSR_EFER		equ 0xC0000080
EFER_LME		equ 1 << 8
EXIT_PORT		equ 0xF4
REAL			equ 0x8000

section .text
	dd MULTIBOOT_HEADER_MAGIC
	dd 0
	dd -MULTIBOOT_HEADER_MAGIC

bits 32
global start
start:
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME
	wrmsr
	xor	eax, eax
	cpuid
	mov	esi, real
	mov	edi, REAL
	mov	ecx, real_end - real
	rep movsb
	lgdt	[pointer]
	jmp	0x08:REAL

bits 16
real:
	mov	eax, cr0
	and	al, ~1
	mov	cr0, eax
	jmp	0:REAL + .real - real
.real:	xor	eax, eax
	cpuid
	xor	ax, ax
	out	EXIT_PORT, al
.stop:	hlt
	jmp	.stop
real_end:

align 8
descriptors:
	dq	0
	dq	0x00009a000000ffff	; 16-bit code at 0
pointer:
	dw	15
	dd	descriptors
