; The two ways in, and the way to long mode.
;
; A multiboot1 loader (QEMU -kernel, GRUB, Sluice) finds the header and starts multiboot_entry; a PVH
; loader (QEMU -kernel with the 64-bit file, Xen, Sluice) finds the note and starts pvh_entry. Both
; arrive in 32-bit protected mode without paging, flat segments, ebx pointing to what they tell us.
; They differ in no more than that, so they meet at once, and the magic says later who it was.

MULTIBOOT_HEADER_MAGIC	equ 0x1BADB002
MULTIBOOT_ALIGN_MODULES	equ 1 << 0
MULTIBOOT_MEMORY_MAP	equ 1 << 1
MULTIBOOT_FLAGS		equ MULTIBOOT_ALIGN_MODULES | MULTIBOOT_MEMORY_MAP

XEN_ELFNOTE_PHYS32_ENTRY equ 18
PVH_MAGIC		equ 0x336EC578	; what hvm_start_info begins with

PAGE_PRESENT_WRITABLE	equ 3
PAGE_2M			equ 1 << 7
IDENTITY_2M_PAGES	equ 4 * 512	; the first 4 GiB

CR0_PG			equ 1 << 31
CR4_PAE			equ 1 << 5
MSR_EFER		equ 0xC0000080
EFER_LME		equ 1 << 8

SELECTOR_CODE		equ 0x08
SELECTOR_DATA		equ 0x10
STACK_SIZE		equ 64 * 1024

extern guest_main
global multiboot_entry, pvh_entry, page_pdpt

section .multiboot progbits alloc noexec nowrite align=4
	dd MULTIBOOT_HEADER_MAGIC
	dd MULTIBOOT_FLAGS
	dd -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)

; The descriptor is 8 bytes wide: loaders read 4 or 8, and the upper half is zero.
section .note.pvh note alloc noexec nowrite align=4
	dd 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dq pvh_entry

section .start progbits alloc exec nowrite align=16
bits 32
multiboot_entry:
	mov	edi, eax	; the loader's magic
	jmp	enter_long_mode

pvh_entry:
	mov	edi, PVH_MAGIC

; edi: magic, ebx: the loader's information.
enter_long_mode:
	cli
	cld
	mov	esi, ebx
	mov	dword [page_pml4], page_pdpt + PAGE_PRESENT_WRITABLE

	mov	eax, page_directories + PAGE_PRESENT_WRITABLE
	xor	ecx, ecx
.link_directory:
	mov	[page_pdpt + ecx * 8], eax
	add	eax, 4096
	inc	ecx
	cmp	ecx, 4
	jne	.link_directory

	mov	eax, PAGE_2M | PAGE_PRESENT_WRITABLE
	xor	ecx, ecx
.map_page:
	mov	[page_directories + ecx * 8], eax
	add	eax, 1 << 21
	inc	ecx
	cmp	ecx, IDENTITY_2M_PAGES
	jne	.map_page

	mov	eax, page_pml4
	mov	cr3, eax
	mov	eax, cr4
	or	eax, CR4_PAE
	mov	cr4, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME
	wrmsr
	mov	eax, cr0
	or	eax, CR0_PG
	mov	cr0, eax
	lgdt	[gdt_pointer]
	jmp	SELECTOR_CODE:long_mode

bits 64
long_mode:
	mov	eax, SELECTOR_DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	esp, stack_top
	xor	ebp, ebp
	mov	edi, edi	; the upper halves are undefined after the mode switch
	mov	esi, esi
	call	guest_main
.stop:	cli
	hlt
	jmp	.stop

section .rodata
align 8
gdt:
	dq 0
	dq 0x00209A0000000000	; code: present, execute/read, 64-bit
	dq 0x0000920000000000	; data: present, read/write
gdt_pointer:
	dw $ - gdt - 1
	dq gdt

section .bss
alignb 4096
page_pml4:		resb 4096
page_pdpt:		resb 4096
page_directories:	resb 4 * 4096
alignb 16
			resb STACK_SIZE
stack_top:
