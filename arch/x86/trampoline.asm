; What an application processor runs first: copied to a page below 1 MiB, whose number is the startup
; IPI's vector. It starts there in real mode, cs:ip = page:0, and goes straight to long mode with the
; hypervisor's own tables.

TRAMPOLINE_ARGS equ 0xfc0		; struct trampoline_args, at the end of the page

CR0_BITS	equ 0x80010031		; PG, WP, NE, ET, PE
CR4_PAE		equ 1 << 5
MSR_EFER	equ 0xc0000080
EFER_BITS	equ 1 << 8 | 1 << 11	; LME, NXE

section .rodata
bits 16
global trampoline_start, trampoline_end
trampoline_start:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4			; where the page is
	lea eax, [ebx + gdt - trampoline_start]
	mov [gdt.base - trampoline_start], eax
	lea eax, [ebx + long_mode - trampoline_start]
	mov [far_target - trampoline_start], eax

	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, [TRAMPOLINE_ARGS]	; the tables are below 4 GiB
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_BITS
	wrmsr
	o32 lgdt [gdt.limit - trampoline_start]
	mov eax, CR0_BITS
	mov cr0, eax
	jmp dword far [far_target - trampoline_start]

align 4
far_target:
	dd 0
	dw 8
align 8
gdt:	dq 0
	dq 0x00af9b000000ffff
	dq 0x00cf93000000ffff
.limit:	dw $ - gdt - 1
.base:	dd 0

bits 64
long_mode:
	mov eax, 16
	mov ss, eax
	mov ds, eax
	mov es, eax
	mov rsp, [rbx + TRAMPOLINE_ARGS + 8]
	mov rdi, [rbx + TRAMPOLINE_ARGS + 16]
	mov rax, [rbx + TRAMPOLINE_ARGS + 24]
	xor ebp, ebp
	call rax
trampoline_end:

section .note.GNU-stack noalloc noexec nowrite progbits
