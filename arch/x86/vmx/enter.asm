; vmx_enter: into the guest and out again (Intel SDM volume 3C, chapters 26 and 27).
;
; VM entry and exit switch RSP, RIP, RFLAGS, segments and control registers by the VMCS; the other general
; registers are loaded and saved here.

bits 64
section .text

VMCS_HOST_RSP	equ 0x6c14

; rdi: the guest's general registers, 16 words in the order of their encoding
; rsi: 0 for the first entry of a VMCS that was cleared
; Returns 0 after an exit, 1 if the instruction failed and there was no entry.
global vmx_enter
vmx_enter:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	push rdi
	mov eax, VMCS_HOST_RSP
	vmwrite rax, rsp

	test rsi, rsi			; for the jump below: MOV leaves the flags alone
	mov rax, [rdi + 0 * 8]
	mov rcx, [rdi + 1 * 8]
	mov rdx, [rdi + 2 * 8]
	mov rbx, [rdi + 3 * 8]
	mov rbp, [rdi + 5 * 8]
	mov rsi, [rdi + 6 * 8]
	mov r8, [rdi + 8 * 8]
	mov r9, [rdi + 9 * 8]
	mov r10, [rdi + 10 * 8]
	mov r11, [rdi + 11 * 8]
	mov r12, [rdi + 12 * 8]
	mov r13, [rdi + 13 * 8]
	mov r14, [rdi + 14 * 8]
	mov r15, [rdi + 15 * 8]
	mov rdi, [rdi + 7 * 8]
	jnz .again
	vmlaunch
	jmp .failed
.again:	vmresume
.failed:
	pop rdi
	mov eax, 1
	jmp leave_guest

; Where VM exits lead to; RSP is as it was at the VMWRITE.
global vmx_exited
vmx_exited:
	xchg rdi, [rsp]
	mov [rdi + 0 * 8], rax
	mov [rdi + 1 * 8], rcx
	mov [rdi + 2 * 8], rdx
	mov [rdi + 3 * 8], rbx
	mov [rdi + 5 * 8], rbp
	mov [rdi + 6 * 8], rsi
	mov [rdi + 8 * 8], r8
	mov [rdi + 9 * 8], r9
	mov [rdi + 10 * 8], r10
	mov [rdi + 11 * 8], r11
	mov [rdi + 12 * 8], r12
	mov [rdi + 13 * 8], r13
	mov [rdi + 14 * 8], r14
	mov [rdi + 15 * 8], r15
	pop rcx
	mov [rdi + 7 * 8], rcx
	xor eax, eax

leave_guest:
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

; Ends the blocking of NMIs: IRET to the next instruction.
global vmx_unblock_nmis
vmx_unblock_nmis:
	mov rax, rsp
	mov ecx, ss
	push rcx
	push rax
	pushfq
	mov ecx, cs
	push rcx
	lea rcx, [rel .done]
	push rcx
	iretq
.done:	ret

section .note.GNU-stack noalloc noexec nowrite progbits
