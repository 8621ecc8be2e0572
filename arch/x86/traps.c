#include "arch/x86/traps.h"

#include "arch/x86/backtrace.h"
#include "arch/x86/cpu.h"
#include "arch/x86/stop.h"
#include "hv/base/log.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_MACHINE_CHECK 18
#define EXCEPTIONS	     32

/* Intel SDM volume 3A, figure 6-8: a 64-bit interrupt gate. */
struct gate {
	u64 low;
	u64 high;
};
_Static_assert(sizeof(struct gate) == 16, "gate");

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector;
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};

extern const u64 trap_entries[256];
extern const u8 interrupt_entry[];
void segments_reload(u64 code, u64 data, u64 tss);
void trap_handle(struct trap_frame *frame);
void nmi_wait(volatile bool *seen);
extern const u8 nmi_wait_end[];

static struct gate idt[256];
static struct gate window_idt[256];

static struct gate gate_make(u64 entry, unsigned ist)
{
	return (struct gate){
		.low = (entry & 0xffff) | (u64)SELECTOR_CODE << 16 | (u64)ist << 32 |
		       0x8eull << 40 | (entry & 0xffff0000) << 32,
		.high = entry >> 32,
	};
}

static unsigned ist_of(unsigned vector)
{
	return vector == VECTOR_NMI		? 1
	       : vector == VECTOR_DOUBLE_FAULT	? 2
	       : vector == VECTOR_MACHINE_CHECK ? 3
						: 0;
}

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

static void tss_set_u64(u32 *tss, unsigned offset, u64 value)
{
	tss[offset / 4] = (u32)value;
	tss[offset / 4 + 1] = (u32)(value >> 32);
}

static void segments_load(struct percpu *cpu)
{
	u64 tss = (u64)(uintptr_t)cpu->tss;
	struct table_pointer pointer = {sizeof(cpu->gdt) - 1, (u64)(uintptr_t)cpu->gdt};

	/* Intel SDM volume 3A, 7.7: RSP0 at 4, IST1 at 36; no I/O bitmap. */
	tss_set_u64(cpu->tss, 4, (u64)(uintptr_t)cpu->stack_top);
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->ist_top); i++)
		tss_set_u64(cpu->tss, 36 + 8 * i, (u64)(uintptr_t)cpu->ist_top[i]);
	cpu->tss[25] = sizeof(cpu->tss) << 16;

	cpu->gdt[SELECTOR_CODE / 8] = 0x00af9b000000ffffull;
	cpu->gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffffull;
	cpu->gdt[SELECTOR_TSS / 8] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 |
				     0x89ull << 40 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	segments_reload(SELECTOR_CODE, SELECTOR_DATA, SELECTOR_TSS);
}

static void load_table(const struct gate *table)
{
	struct table_pointer pointer = {sizeof(idt) - 1, (u64)(uintptr_t)table};

	__asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}

void traps_init(struct percpu *cpu)
{
	cpu->self = cpu;
	segments_load(cpu);
	msr_write(MSR_GS_BASE, (u64)(uintptr_t)cpu);
	for (unsigned i = 0; i < ARRAY_SIZE(idt); i++) {
		idt[i] = gate_make(trap_entries[i], ist_of(i));
		window_idt[i] = ist_of(i) ? idt[i] : gate_make((u64)(uintptr_t)interrupt_entry, 0);
	}
	load_table(idt);
}

void interrupts_take_pending(void)
{
	load_table(window_idt);
	/* The instruction after STI is still in its shadow, so that there are two. */
	__asm__ volatile("sti; nop; nop; cli" : : : "memory");
	load_table(idt);
}

void interrupt_wait(void)
{
	load_table(window_idt);
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	load_table(idt);
}

void nmi_sleep(void)
{
	nmi_wait(&percpu()->nmi_seen);
}

static const char *const exception_names[EXCEPTIONS] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"no math coprocessor",
	"double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection",
	[14] = "page fault",
	[16] = "x87 error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD error",
	[20] = "virtualization",
	[21] = "control protection",
};

_Noreturn static void exception_stop(const struct trap_frame *f)
{
	const char *name = f->vector < EXCEPTIONS ? exception_names[f->vector] : NULL;

	panic_begin();
	log_raw("\nPANIC: exception %u (%s) in the hypervisor on CPU %u, error %#x\n",
		(u32)f->vector, name ? name : "reserved", percpu()->index, (u32)f->error);
	log_raw("rip %016lx cs %04x rflags %08x rsp %016lx ss %04x\n", f->rip, (u32)f->cs,
		(u32)f->rflags, f->rsp, (u32)f->ss);
	log_raw("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	log_raw("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
	log_raw("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
	log_raw("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
	log_raw("cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx\n", cr0_read(), cr2_read(), cr3_read(),
		cr4_read());
	backtrace_print(f->rip, f->rsp, f->rbp);
	machine_stop(STOP_PANIC);
}

/* By the descriptor table, which each exit brings back: GS may still be a guest's (svm/enter.asm). */
static struct percpu *percpu_by_gdt(void)
{
	struct table_pointer pointer;

	__asm__ volatile("sgdt %0" : "=m"(pointer));
	return (struct percpu *)(uintptr_t)(pointer.base - offsetof(struct percpu, gdt));
}

void trap_handle(struct trap_frame *frame)
{
	struct percpu *cpu = percpu_by_gdt();

	if (frame->vector != VECTOR_NMI) {
		msr_write(MSR_GS_BASE, (u64)(uintptr_t)cpu);
		exception_stop(frame);
	}
	cpu->nmi_seen = true;
	if (range_within(frame->rip, 1, (u64)(uintptr_t)nmi_wait,
			 (u64)(nmi_wait_end - (const u8 *)nmi_wait)))
		frame->rip = (u64)(uintptr_t)nmi_wait_end;
	if (cpu->on_nmi)
		cpu->on_nmi();
}
