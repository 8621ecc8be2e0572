; Ways to get lost. What is outside of the VM's memory lies at OUTSIDE, where nothing is.

%include "tests/attack/trial.inc"

OUTSIDE		equ 0xD0000000
LOCAL_APIC	equ 0xFEE00000
SELECTOR_DATA	equ 0x10
SELECTOR_CODE32	equ 0x18
SELECTOR_TSS	equ 0x20
SELECTOR_OTHER	equ 0x30
SELECTOR_USER_CODE32 equ 0x40 | 3
SELECTOR_USER_DATA equ 0x48 | 3
WINDOW		equ 0x240000000	; TABLES_WINDOW of tables.h
CR0_AM		equ 18
RFLAGS_AC	equ 1 << 18
APIC_ID		equ 0x20
ICR		equ 0x300
ICR_HIGH	equ 0x310
ICR_NMI		equ 0x4400
TASK_GATE	equ 0x8500
TSS_AVAILABLE	equ 0x0000890000000067
EXIT_PORT	equ 0xF4
MSR_EFER	equ 0xC0000080

extern tables_operand_outside, tables_forget_code, tables_move_code

bits 64

table fault_table

begin "triple"
	lidt	[nothing]
	ud2
begin "table-outside"
	lidt	[idt_outside]
	ud2
begin "table-in-apic"
	lidt	[idt_in_apic]
	ud2
begin "stack-outside"
	mov	rsp, OUTSIDE + 0x800
	ud2
begin "stack-in-apic"
	mov	rsp, LOCAL_APIC + 0x800
	ud2
begin "interrupt-stack-outside"	; of a task-state segment
	call	load_gdt
	mov	rax, OUTSIDE + 0x800
	mov	[tss + 0x24], rax
	sidt	[idt_pointer]
	mov	rax, [idt_pointer + 2]
	mov	byte [rax + 6 * 16 + 4], 1
	ud2
begin "task-segment-outside"
	call	load_gdt
	sidt	[idt_pointer]
	mov	rax, [idt_pointer + 2]
	mov	byte [rax + 6 * 16 + 4], 1
	mov	byte [gdt + SELECTOR_TSS + 7], OUTSIDE >> 24
	mov	word [gdt + SELECTOR_TSS + 5], 0x89
	mov	eax, SELECTOR_TSS
	ltr	ax
	ud2
begin "descriptors-outside"
	lgdt	[gdt_outside]
	mov	eax, SELECTOR_DATA
	mov	es, eax
	finish
begin "pages-outside"
	mov	rax, OUTSIDE
	mov	cr3, rax
	finish
begin "pages-in-apic"
	mov	rax, LOCAL_APIC
	mov	cr3, rax
	finish
begin "pages-beyond-width"
	mov	rax, 1 << 51
	mov	cr3, rax
	finish
begin "code-outside"
	mov	rax, OUTSIDE
	jmp	rax
begin "code-in-apic"
	mov	rax, LOCAL_APIC + 0x300
	jmp	rax
begin "code-over-the-end"	; RDI: the end of RAM
	mov	word [rdi - 2], 0xB848
	sub	rdi, 2
	jmp	rdi
begin "code-forgotten"	; its second half is on a page that is gone
	call	tables_forget_code
	finish
begin "code-moved"	; it is on another page by now, where it is the same
	call	tables_move_code
	finish
begin "operand-tables-outside"	; those of the second operand of an instruction that is carried out
	call	tables_operand_outside
	mov	rdi, WINDOW
	mov	esi, OUTSIDE
	movsb
	finish
begin "cr0-pg-without-pe"
	mov	rax, cr0
	btr	rax, 0
	mov	cr0, rax
	finish
begin "cr0-nw-without-cd"
	mov	rax, cr0
	bts	rax, 29
	btr	rax, 30
	mov	cr0, rax
	finish
begin "spin"
	cli
spin_again:	jmp	spin_again
begin "spin-on-exits"
	cli
spin_on_exits_again:	xor	eax, eax
	cpuid
	jmp	spin_on_exits_again
begin "spin-on-registers"
	cli
	mov	rdi, OUTSIDE
spin_on_registers_again:	mov	ecx, -1
	rep stosb
	jmp	spin_on_registers_again
begin "halt"
	cli
	hlt
begin "debug-loop"	; each #DB's delivery writes to where a breakpoint is, which is a #DB
	call	load_gdt
	lea	rax, [loop_stack_top]
	mov	[tss + 0x24], rax
	sidt	[idt_pointer]
	mov	rax, [idt_pointer + 2]
	mov	byte [rax + 1 * 16 + 4], 1
	mov	ecx, loop_stack_top - 8
	mov	dr0, rcx
	mov	ecx, 0xD0403	; eight bytes, written
	mov	dr7, rcx
	mov	ecx, again
	mov	[rax + 1 * 16], cx
	shr	ecx, 16
	mov	[rax + 1 * 16 + 6], cx
	mov	qword [loop_stack_top - 8], 0
again:	jmp	again
begin "fault-loop"	; the handler of #UD is a #UD
	sidt	[idt_pointer]
	mov	rax, [idt_pointer + 2]
	mov	rsp, loop_stack_top
	mov	ecx, undefined
	mov	[rax + 6 * 16], cx
	shr	ecx, 16
	mov	[rax + 6 * 16 + 6], cx
undefined:
	mov	rsp, loop_stack_top
	ud2

begin "nmi-loop"	; one NMI, and no IRET
	sidt	[idt_pointer]
	mov	rax, [idt_pointer + 2]
	mov	ecx, nmi_again
	mov	[rax + 2 * 16], cx
	shr	ecx, 16
	mov	[rax + 2 * 16 + 6], cx
	mov	ebx, LOCAL_APIC
	mov	eax, [rbx + APIC_ID]
	mov	[rbx + ICR_HIGH], eax
	mov	dword [rbx + ICR], ICR_NMI
	mov	ecx, 50000000
.wait:	dec	ecx
	jnz	.wait
	ud2
nmi_again:	jmp	nmi_again

; Out of long mode, with paging off.
begin "alignment-loop"	; each #AC's delivery writes to a stack that is not aligned, at CPL 3, which is a #AC
	mov	eax, alignment_code
	jmp	to_32_bits
bits 32
alignment_code:
	mov	eax, alignment_handler
	mov	[idt_user_gate], ax
	shr	eax, 16
	mov	[idt_user_gate + 6], ax
	lidt	[idt_user]
	mov	eax, cr0
	bts	eax, CR0_AM
	mov	cr0, eax
	push	SELECTOR_USER_DATA
	push	loop_stack_top - 1
	push	RFLAGS_AC
	push	SELECTOR_USER_CODE32
	push	.user
	iretd
.user:	mov	eax, [esp]
	jmp	.user
alignment_handler:	jmp	alignment_handler
bits 64
begin "no-paging"	; EFER.LME, no CR4.PAE, no paging: exits in that state, then the end
	mov	eax, no_paging_code
	jmp	to_32_bits
bits 32
no_paging_code:
	mov	ecx, MSR_EFER
	rdmsr
	and	eax, ~0x100
	wrmsr
	mov	eax, cr4
	and	eax, ~0x20
	mov	cr4, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, 0x100
	wrmsr
	mov	esi, 1000
no_paging_again:	xor	eax, eax
	cpuid
	in	al, 0x80
	mov	eax, [OUTSIDE]
	dec	esi
	jnz	no_paging_again
	xor	eax, eax
	out	EXIT_PORT, al
	hlt
bits 64
begin "task-gate"	; a double fault by a task gate, of a task that is none
	mov	eax, task_gate_code
	jmp	to_32_bits
bits 32
task_gate_code:	lidt	[idt_32]
	ud2
bits 64
begin "task-jump"
	mov	eax, task_jump_code
	jmp	to_32_bits
bits 32
task_jump_code:
	lidt	[nothing]
	mov	eax, SELECTOR_TSS
	mov	byte [gdt + SELECTOR_TSS + 5], 0x89
	ltr	ax
	jmp	SELECTOR_OTHER:0
bits 64
begin "task-outside"
	mov	eax, task_outside_code
	jmp	to_32_bits
bits 32
task_outside_code:
	lidt	[nothing]
	mov	eax, SELECTOR_TSS
	mov	byte [gdt + SELECTOR_TSS + 5], 0x89
	ltr	ax
	mov	byte [gdt + SELECTOR_OTHER + 7], OUTSIDE >> 24
	jmp	SELECTOR_OTHER:0
bits 64
begin "directories-outside"	; the four entries that PAE paging loads
	mov	eax, directories_outside_code
	jmp	to_32_bits
bits 32
directories_outside_code:	mov	eax, OUTSIDE
	mov	cr3, eax
	mov	eax, cr0
	bts	eax, 31
	mov	cr0, eax
	hlt
bits 64

end_table

; Loads own descriptors and the task register.
load_gdt:
	mov	eax, tss
	mov	[gdt + SELECTOR_TSS + 2], ax
	shr	eax, 16
	mov	[gdt + SELECTOR_TSS + 4], al
	mov	[gdt + SELECTOR_TSS + 7], ah
	mov	eax, other_tss
	mov	[gdt + SELECTOR_OTHER + 2], ax
	shr	eax, 16
	mov	[gdt + SELECTOR_OTHER + 4], al
	mov	[gdt + SELECTOR_OTHER + 7], ah
	lgdt	[gdt_pointer]
	mov	eax, SELECTOR_TSS
	ltr	ax
	ret

; To 32-bit code at EAX, paging and LMA off.
to_32_bits:
	mov	esp, loop_stack_top
	mov	ebx, eax
	call	load_gdt
	push	SELECTOR_CODE32
	push	.compatible
	retfq
bits 32
.compatible:
	mov	eax, SELECTOR_DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	eax, cr0
	btr	eax, 31
	mov	cr0, eax
	jmp	ebx
bits 64

section .rodata
nothing:	dw 0
		dq 0
idt_outside:	dw 0xFFF
		dq OUTSIDE
idt_in_apic:	dw 0xFFF
		dq LOCAL_APIC
gdt_outside:	dw 0xFFF
		dq OUTSIDE
gdt_pointer:	dw gdt_end - gdt - 1
		dq gdt
idt_32:		dw idt_32_gates_end - idt_32_gates - 1
		dd idt_32_gates
idt_32_gates:
	times 8 dq 0
	dw	0, SELECTOR_OTHER, TASK_GATE, 0
idt_32_gates_end:

section .data
align 16
gdt:
	dq 0
	dq 0x00209A0000000000	; 64-bit code
	dq 0x00CF92000000FFFF	; data
	dq 0x00CF9A000000FFFF	; 32-bit code
	dq TSS_AVAILABLE, 0	; 64-bit form
	dq TSS_AVAILABLE	; 32-bit form
	dq 0
	dq 0x00CFFA000000FFFF	; 32-bit code at CPL 3
	dq 0x00CFF2000000FFFF	; data at CPL 3
gdt_end:
idt_user:	dw idt_user_end - idt_user_gates - 1
		dd idt_user_gates
align 8
idt_user_gates:
	times 17 dq 0
idt_user_gate:	dw 0, SELECTOR_USER_CODE32, 0xEE00, 0
idt_user_end:

section .bss
idt_pointer:	resb 10
alignb 16
tss:		resb 104
other_tss:	resb 104
alignb 16
loop_stack:	resb 4096
loop_stack_top:	resb 8
