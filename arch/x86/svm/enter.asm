; svm_enter: into the guest and out again (AMD APM volume 2, 15.5).
;
; VMRUN switches RAX, RSP, RIP, RFLAGS and the segments that VMCB and host save area hold; the other
; general registers are loaded and saved here, FS, GS, TR, LDTR and the system call MSRs by VMLOAD and
; VMSAVE. The caller holds GIF at 0. Of its registers only RDI, RSI, RBP and RSP are as they were afterwards.
;
; Between the two VMLOADs the CPU has the guest's GS and TR: nothing is done there that need not be, and what
; comes even so (a machine check that does not wait for GIF, 15.17) finds its way without GS (traps.c).

bits 64
section .text

; rdi: the guest's general registers, 16 words in the order of their encoding; so afterwards
; rsi: physical address of the guest's VMCB; so afterwards
; rdx: physical address of the host's, from an earlier VMSAVE
global svm_enter
svm_enter:
	push rbp
	push rsi
	push rdi
	push rdx

	mov rax, rsi
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
	vmload				; address in RAX
	vmrun				; likewise

	vmsave				; RAX is the guest VMCB's address again
	pop rax
	vmload
	xchg rdi, [rsp]
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

	pop rsi
	pop rbp
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
