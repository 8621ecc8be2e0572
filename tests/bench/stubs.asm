; Handlers and loops whose instructions are to be known to the last.

extern apic_end_of_interrupt
global bench_skip_3, bench_stamp_entry, bench_stamp_tsc, bench_stamp_count, bench_spin

section .text
bits 64

bench_skip_3:
	add	qword [rsp], 3
	iretq

bench_stamp_entry:
	push	rdx
	push	rax
	rdtsc
	shl	rdx, 32
	or	rax, rdx
	mov	[rel bench_stamp_tsc], rax
	inc	qword [rel bench_stamp_count]
	push	rcx
	push	rsi
	push	rdi
	push	r8
	push	r9
	push	r10
	push	r11
	call	apic_end_of_interrupt
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rdi
	pop	rsi
	pop	rcx
	pop	rax
	pop	rdx
	iretq

; rdi: the TSC to stop at. A round is six instructions.
bench_spin:
	xor	esi, esi
.round:	inc	rsi
	rdtsc
	shl	rdx, 32
	or	rax, rdx
	cmp	rax, rdi
	jb	.round
	mov	rax, rsi
	ret

section .bss
alignb 8
bench_stamp_tsc:	resq 1
bench_stamp_count:	resq 1
