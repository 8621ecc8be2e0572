; Entry points of all 256 vectors, and the way back. Each pushes its vector, with a zero where the CPU
; pushes no error code, so that struct trap_frame is always whole.

bits 64
section .text
extern trap_handle

%assign vector 0
%rep 256
	align 16
trap_%[vector]:
%if vector = 1
	iretq
%elif vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21 || vector = 29 || vector = 30
%else
	push qword 0
%endif
	push qword vector
	jmp trap_common
%assign vector vector + 1
%endrep

trap_common:
	push rax
	push rcx
	push rdx
	push rbx
	push rbp
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	cld
	mov rdi, rsp
	mov rbx, rsp
	and rsp, ~15
	call trap_handle
	mov rsp, rbx
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rbp
	pop rbx
	pop rdx
	pop rcx
	pop rax
	add rsp, 16
	iretq

; void nmi_wait(volatile bool *seen): sleeps until an NMI has come since *seen was last cleared, and clears
; it. Interrupts are off. trap_handle() moves an NMI's return address from before the HLT to behind it: one
; that comes between look and sleep is not slept through.
global nmi_wait, nmi_wait_end
nmi_wait:
	cmp byte [rdi], 0
	jne nmi_wait_end
	hlt
nmi_wait_end:
	mov byte [rdi], 0
	ret

; Any interrupt: its end is told to the local APIC, for which a spurious one is no harm.
extern apic_eoi
global interrupt_entry
interrupt_entry:
	push rax
	push rcx
	push rdx
	push rbp
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	cld
	mov rbp, rsp
	and rsp, ~15
	call apic_eoi
	mov rsp, rbp
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rbp
	pop rdx
	pop rcx
	pop rax
	iretq

; Selectors from segments_load(): code in rdi, data in rsi, TSS in rdx.
global segments_reload
segments_reload:
	mov ss, esi
	mov ds, esi
	mov es, esi
	pop rax
	push rdi
	push rax
	ltr dx
	o64 retf

section .rodata
align 8
global trap_entries
trap_entries:
%assign vector 0
%rep 256
	dq trap_%[vector]
%assign vector vector + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
