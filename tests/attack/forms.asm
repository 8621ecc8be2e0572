; Every form of access that the hypervisor carries out for a guest, and some that it does not. RDI: the
; address that is attacked; RSI: a page of the VM's own; RCX: 3; the other registers hold numbers.

%include "tests/attack/trial.inc"

%macro form 2+
begin %1
	%2
	finish
%endmacro

bits 64

table form_table

form "load-8", mov bl, [rdi]
form "load-8-high", mov bh, [rdi]
form "load-16", mov bx, [rdi]
form "load-32", mov ebx, [rdi]
form "load-64", mov rbx, [rdi]
form "load-offset", mov rbx, [rdi + rcx * 8 + 0x100]
form "load-unaligned", mov rbx, [rdi + 3]
form "load-fs", db 0x64, 0x48, 0x8B, 0x1F
form "store-8", mov [rdi], bl
form "store-16", mov [rdi], bx
form "store-32", mov [rdi], ebx
form "store-64", mov [rdi], rbx
form "store-8-immediate", mov byte [rdi], 0x5A
form "store-16-immediate", mov word [rdi], 0x5A5A
form "store-32-immediate", mov dword [rdi], 0x5A5A5A5A
form "store-64-immediate", mov qword [rdi], -2
form "movnti", movnti [rdi], rbx
form "movzx-8", movzx ebx, byte [rdi]
form "movzx-16", movzx rbx, word [rdi]
form "movsx-8", movsx rbx, byte [rdi]
form "movsx-16", movsx ebx, word [rdi]
form "movsxd", movsxd rbx, dword [rdi]
form "add-to", add [rdi], rbx
form "add-from", add rbx, [rdi]
form "adc-to", adc [rdi], ebx
form "sub-to", sub [rdi], bx
form "sub-from", sub bl, [rdi]
form "sbb-from", sbb rbx, [rdi]
form "cmp-to", cmp [rdi], rbx
form "cmp-immediate", cmp dword [rdi], 5
form "or-immediate", or byte [rdi], 0x40
form "and-locked", lock and dword [rdi], 0x0F
form "xor-to", xor [rdi], rbx
form "test-to", test [rdi], rbx
form "test-immediate", test dword [rdi], 0x80
form "xchg-8", xchg [rdi], bl
form "xchg-64", xchg [rdi], rbx
form "xadd", lock xadd [rdi], rbx
form "cmpxchg-other", lock cmpxchg [rdi], rbx
form "cmpxchg-8", cmpxchg [rdi], bl
begin "cmpxchg-equal"
	mov	eax, -1
	cmpxchg	[rdi], ebx
	finish
form "inc", inc dword [rdi]
form "dec-locked", lock dec qword [rdi]
form "not", not word [rdi]
form "neg", neg dword [rdi]
form "bt", bt [rdi], rcx
form "bt-beyond", bt [rdi], rdx
form "bts-locked", lock bts dword [rdi], 5
form "btr", btr [rdi], ecx
form "btc-immediate", btc word [rdi], 7
form "stosb", rep stosb
form "stosq", rep stosq
begin "stosd-down"
	add	rdi, 64
	std
	rep stosd
	finish
begin "lodsw"
	mov	rsi, rdi
	rep lodsw
	finish
form "movsb-to", rep movsb
form "movsq-to", rep movsq
begin "movsd-from"
	xchg	rsi, rdi
	rep movsd
	finish
begin "movsb-from-down"
	xchg	rsi, rdi
	add	rdi, 100
	add	rsi, 50
	std
	rep movsb
	finish
begin "movsq-within"
	lea	rsi, [rdi + 0x200]
	rep movsq
	finish
begin "movsb-32-bit"
	a32 rep movsb
	finish
begin "none"
	xor	ecx, ecx
	rep stosb
	finish
begin "insb"
	mov	edx, 0x80
	rep insb
	finish
begin "insd"
	mov	edx, 0x80
	rep insd
	finish
begin "outsb"
	mov	rsi, rdi
	mov	edx, 0x80
	rep outsb
	finish
begin "outsw-down"
	lea	rsi, [rdi + 64]
	mov	edx, 0x80
	std
	rep outsw
	finish
begin "outsd-fs"
	mov	rsi, rdi
	mov	edx, 0x80
	rep fs outsd
	finish

end_table

; What is not carried out.
table refused_form_table

form "push", push qword [rdi]
form "pop", pop qword [rdi]
form "call", call [rdi]
form "jump", jmp [rdi]
begin "push-to"
	lea	rsp, [rdi + 0x800]
	push	rax
	finish
form "sse-load", movups xmm0, [rdi]
form "sse-store", movaps [rdi], xmm0
form "fxsave", fxsave [rdi]
form "fild", fild qword [rdi]
form "cmpxchg8b", lock cmpxchg8b [rdi]
form "cmpxchg16b", cmpxchg16b [rdi]
form "multiply", mul qword [rdi]
form "shift", shl dword [rdi], 1
form "scas", scasb
form "lgdt", lgdt [rdi]
form "sidt", sidt [rdi]
form "segment", mov es, [rdi]
form "setc", setc [rdi]
form "cmov", cmovc rbx, [rdi]
begin "iret"
	mov	rsp, rdi
	iretq

end_table
