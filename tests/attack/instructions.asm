; Instructions that a VM has no use for, or that would reach the hypervisor. All registers but RCX hold the
; address of a free page.

%include "tests/attack/trial.inc"

bits 64

table instruction_table

; AMD APM volume 3: SVM.
begin "vmrun"
	vmrun
	finish
begin "vmload"
	vmload
	finish
begin "vmsave"
	vmsave
	finish
begin "stgi"
	stgi
	finish
begin "clgi"
	clgi
	finish
begin "skinit"
	skinit
	finish
begin "invlpga"
	invlpga
	finish
begin "vmmcall"
	vmmcall
	finish
begin "vmgexit"
	db	0xF3, 0x0F, 0x01, 0xD9
	finish
begin "rdpru"
	xor	ecx, ecx
	db	0x0F, 0x01, 0xFD
	finish
begin "psmash"
	db	0xF3, 0x0F, 0x01, 0xFF
	finish
begin "pvalidate"
	db	0xF2, 0x0F, 0x01, 0xFF
	finish
begin "invlpgb"
	db	0x0F, 0x01, 0xFE
	finish
begin "tlbsync"
	db	0x0F, 0x01, 0xFF
	finish

; Intel SDM volume 3C: VMX, SMX, SGX.
begin "vmcall"
	vmcall
	finish
begin "vmxon"
	vmxon	[rbx]
	finish
begin "vmxoff"
	vmxoff
	finish
begin "vmclear"
	vmclear	[rbx]
	finish
begin "vmptrld"
	vmptrld	[rbx]
	finish
begin "vmptrst"
	vmptrst	[rbx]
	finish
begin "vmread"
	vmread	rax, rbx
	finish
begin "vmwrite"
	vmwrite	rax, rbx
	finish
begin "vmlaunch"
	vmlaunch
	finish
begin "vmresume"
	vmresume
	finish
begin "invept"
	invept	rcx, [rbx]
	finish
begin "invvpid"
	invvpid	rcx, [rbx]
	finish
begin "vmfunc"
	xor	eax, eax
	db	0x0F, 0x01, 0xD4
	finish
begin "getsec"
	xor	eax, eax
	db	0x0F, 0x37
	finish
begin "encls"
	xor	eax, eax
	db	0x0F, 0x01, 0xCF
	finish
begin "enclu"
	xor	eax, eax
	db	0x0F, 0x01, 0xD7
	finish
begin "pconfig"
	xor	eax, eax
	db	0x0F, 0x01, 0xC5
	finish

; What is not shown, and what a VM has none of.
begin "monitor"
	xor	edx, edx
	monitor
	finish
begin "mwait"
	xor	eax, eax
	mwait
	finish
begin "umwait"
	db	0xF2, 0x0F, 0xAE, 0xF0
	finish
begin "tpause"
	db	0x66, 0x0F, 0xAE, 0xF0
	finish
begin "rsm"
	rsm
	finish
begin "xsetbv"
	mov	eax, 3
	xor	edx, edx
	xsetbv
	finish
begin "xgetbv"
	xgetbv
	finish
begin "xsaves"
	db	0x0F, 0xC7, 0x2B	; [rbx]
	finish
begin "rdpmc"
	rdpmc
	finish
begin "wrpkru"
	xor	eax, eax
	xor	edx, edx
	db	0x0F, 0x01, 0xEF
	finish
begin "icebp"
	db	0xF1
	finish
begin "syscall"
	syscall
	finish
begin "ud2"
	ud2
	finish

; What is carried out.
begin "invd"
	invd
	finish
begin "wbinvd"
	wbinvd
	finish
begin "wbnoinvd"
	db	0xF3, 0x0F, 0x09
	finish
begin "invlpg"
	invlpg	[rbx]
	finish
begin "pause"
	pause
	finish
begin "cpuid"
	mov	eax, 0xFFFFFFFF
	cpuid
	finish

; Registers that decide what the CPU is.
begin "cr0-reserved"
	mov	rax, cr0
	bts	rax, 32
	mov	cr0, rax
	finish
begin "cr0-cache-off"
	mov	rax, cr0
	mov	rdx, rax
	bts	rax, 30
	mov	cr0, rax
	mov	cr0, rdx
	finish
begin "cr8"
	mov	eax, 15
	mov	cr8, rax
	xor	eax, eax
	mov	cr8, rax
	finish
begin "cr8-reserved"
	mov	eax, 16
	mov	cr8, rax
	finish
begin "cr1"
	db	0x0F, 0x20, 0xC8
	finish
begin "dr7-reserved"
	mov	rax, 1 << 32
	mov	dr7, rax
	finish
begin "lmsw"
	smsw	ax
	lmsw	ax
	finish
begin "clts"
	clts
	finish
begin "ltr-null"
	xor	eax, eax
	ltr	ax
	finish
begin "lldt-outside"
	mov	eax, 0xFFF8
	lldt	ax
	finish
begin "iret-to-nowhere"
	push	0x10
	push	rsp
	pushfq
	push	0xFFF8
	push	0
	iretq

; Other hypervisors' calls: VMware's port, Xen's and Hyper-V's MSRs, KVM's hypercall.
begin "vmware-port"
	mov	eax, 0x564D5868
	mov	ecx, 10
	mov	edx, 0x5658
	in	eax, dx
	finish
begin "hyperv-msr"
	mov	ecx, 0x40000000
	mov	eax, 1
	xor	edx, edx
	wrmsr
	finish
begin "kvm-msr"
	mov	ecx, 0x4B564D00
	mov	eax, 1
	xor	edx, edx
	wrmsr
	finish
begin "kvm-call"
	mov	eax, 5
	vmcall
	finish

end_table
