; The Multiboot2 header, and the way from GRUB's 32-bit protected mode to C in long mode
; (Multiboot2 specification 2.0, sections 3.1 and 3.3).
;
; The tables made here map the first 4 GiB one to one, writable and executable: enough to read the
; boot information and make the real ones, which paging_start() loads.

bits 32

MULTIBOOT2_MAGIC	equ 0xe85250d6
MULTIBOOT2_BOOTLOADER	equ 0x36d76289
ARCH_I386		equ 0

CR0_PE			equ 1 << 0
CR0_WP			equ 1 << 16
CR0_PG			equ 1 << 31
CR4_PAE			equ 1 << 5
MSR_EFER		equ 0xc0000080
EFER_LME		equ 1 << 8
EFER_NXE		equ 1 << 11
PTE_PRESENT_WRITE	equ 3
PTE_LARGE		equ 1 << 7

BOOT_STACK_SIZE		equ 16384

section .multiboot
align 8
header:
	dd MULTIBOOT2_MAGIC, ARCH_I386, header_end - header
	dd 0x100000000 - (MULTIBOOT2_MAGIC + ARCH_I386 + (header_end - header))
	; framebuffer, optional: whatever there is, text preferred
	align 8
	dw 5, 1
	dd 20, 0, 0, 0
	align 8
	; modules start on page borders
	dw 6, 0
	dd 8
	align 8
	; the end
	dw 0, 0
	dd 8
header_end:

section .text
extern hv_main
global boot_entry
boot_entry:
	cli
	cld
	mov esp, boot_stack_top
	mov esi, eax			; the loader's magic
	mov edi, ebx			; the boot information
	rdtsc				; clock.c counts from here
	mov [boot_tsc], eax
	mov [boot_tsc + 4], edx
	cmp esi, MULTIBOOT2_BOOTLOADER
	jne no_loader

	mov eax, 0x80000000		; long mode and NX, or nothing
	cpuid
	cmp eax, 0x80000001
	jb no_long_mode
	mov eax, 0x80000001
	cpuid
	and edx, 1 << 29 | 1 << 20
	cmp edx, 1 << 29 | 1 << 20
	jne no_long_mode

	mov dword [boot_pml4], boot_pdpt + PTE_PRESENT_WRITE
	mov eax, boot_pds + PTE_PRESENT_WRITE
	mov ecx, 0
.pdpt:	mov [boot_pdpt + ecx * 8], eax
	add eax, 4096
	inc ecx
	cmp ecx, 4
	jne .pdpt
	mov eax, PTE_PRESENT_WRITE | PTE_LARGE
	mov ecx, 0
.pds:	mov [boot_pds + ecx * 8], eax
	add eax, 1 << 21
	inc ecx
	cmp ecx, 4 * 512
	jne .pds

	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, boot_pml4
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME | EFER_NXE
	wrmsr
	mov eax, cr0
	and eax, ~(1 << 30 | 1 << 29 | 1 << 3 | 1 << 2)	; caches on; no TS, no EM
	or eax, CR0_PG | CR0_WP | CR0_PE
	mov cr0, eax
	lgdt [boot_gdt.pointer]
	jmp 8:.long

bits 64
.long:	mov eax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov esp, boot_stack_top
	mov edi, edi			; hv_main(boot information): the upper half is 0 now
	xor ebp, ebp			; where a backtrace ends
	call hv_main
.halt:	cli
	hlt
	jmp .halt

; Nothing is known of the machine yet: say it where a serial console or a screen would be.
bits 32
no_loader:
	mov esi, .text
	jmp early_stop
.text	db "sluice: not started by a Multiboot2 loader", 13, 10, 0
no_long_mode:
	mov esi, .text
	jmp early_stop
.text	db "sluice: this CPU lacks long mode or no-execute pages", 13, 10, 0

early_stop:
	mov edi, 0xb8000
.next:	lodsb
	test al, al
	jz .halt
	mov dx, 0x3f8
	out dx, al
	mov ah, 0x0f
	stosw
	jmp .next
.halt:	cli
	hlt
	jmp .halt

section .rodata
align 8
boot_gdt:
	dq 0
	dq 0x00af9b000000ffff		; 64-bit code
	dq 0x00cf93000000ffff		; data
.pointer:
	dw $ - boot_gdt - 1
	dd boot_gdt

section .bss
align 4096
boot_pml4:	resb 4096
boot_pdpt:	resb 4096
boot_pds:	resb 4 * 4096
global boot_stack_guard
boot_stack_guard:
	resb 4096			; never mapped once paging_start() has run
		resb BOOT_STACK_SIZE
boot_stack_top:
global boot_tsc
boot_tsc:	resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
