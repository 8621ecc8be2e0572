#include "arch/x86/cpu.h"
#include "arch/x86/vmx/internal.h"
#include "hv/base/log.h"

#define CPUID_VMX	BIT(5) /* 1 ECX */
#define CPUID_LONG_LEAF 0x80000008

/* Appendix A. */
#define MSR_VMX_BASIC		    0x480
#define VMX_BASIC_REVISION	    BITS(30, 0)
#define VMX_BASIC_TRUE_CONTROLS	    BIT(55)
#define VMX_BASIC_ERROR_ANY	    BIT(56)
#define MSR_VMX_PIN		    0x481
#define MSR_VMX_PROC		    0x482
#define MSR_VMX_EXIT		    0x483
#define MSR_VMX_ENTRY		    0x484
#define MSR_VMX_MISC		    0x485
#define VMX_MISC_SAVES_LMA	    BIT(5)
#define VMX_MISC_LENGTH_0	    BIT(30)
#define MSR_VMX_CR0_FIXED0	    0x486
#define MSR_VMX_CR0_FIXED1	    0x487
#define MSR_VMX_CR4_FIXED0	    0x488
#define MSR_VMX_CR4_FIXED1	    0x489
#define MSR_VMX_PROC2		    0x48b
#define MSR_VMX_EPT_VPID	    0x48c
#define VMX_EPT_VPID_4_LEVELS	    BIT(6)
#define VMX_EPT_VPID_WALK_UC	    BIT(8)
#define VMX_EPT_VPID_WALK_WB	    BIT(14)
#define VMX_EPT_VPID_2M		    BIT(16)
#define VMX_EPT_VPID_1G		    BIT(17)
#define VMX_EPT_VPID_INVEPT	    BIT(20)
#define VMX_EPT_VPID_AD		    BIT(21)
#define VMX_EPT_VPID_INVEPT_SINGLE  BIT(25)
#define VMX_EPT_VPID_INVEPT_ALL	    BIT(26)
#define VMX_EPT_VPID_INVVPID	    BIT(32)
#define VMX_EPT_VPID_INVVPID_SINGLE BIT(41)
#define VMX_EPT_VPID_INVVPID_ALL    BIT(42)
#define MSR_VMX_TRUE_PIN	    0x48d
#define MSR_VMX_TRUE_PROC	    0x48e
#define MSR_VMX_TRUE_EXIT	    0x48f
#define MSR_VMX_TRUE_ENTRY	    0x490

struct vmx_caps vmx_caps;

enum control_word {
	WORD_PIN,
	WORD_PROC,
	WORD_PROC2,
	WORD_EXIT,
	WORD_ENTRY,
	WORDS,
};

enum control_need {
	NEED_ON,
	NEED_OFF,
	WANT_ON, /* used if it is there */
};

/*
 * Every control that matters here. All others are off where the CPU lets them be, and as it demands where
 * not. The text is what a CPU that can't do it lacks; the first that is missing is told.
 */
static const struct control_row {
	enum control_word word;
	enum control_need need;
	u64 bit;
	const char *text;
} control_rows[] = {
	{WORD_PROC, NEED_ON, VMX_PROC_SECONDARY, "secondary processor-based controls"},
	{WORD_PROC2, NEED_ON, VMX_PROC2_EPT, "extended page tables (EPT)"},
	{WORD_PROC2, NEED_ON, VMX_PROC2_UNRESTRICTED, "unrestricted guest"},
	{WORD_PIN, NEED_OFF, VMX_PIN_EXTERNAL_INTERRUPT, "interrupts without exits"},
	{WORD_PIN, NEED_ON, VMX_PIN_NMI, "NMI exiting: the hypervisor's own events are NMIs"},
	{WORD_PIN, NEED_ON, VMX_PIN_VIRTUAL_NMIS, "virtual NMIs: NMIs never blocked by a guest"},
	{WORD_PIN, NEED_ON, VMX_PIN_PREEMPTION_TIMER,
	 "the VMX-preemption timer: an entry that must end at once"},
	{WORD_PROC, NEED_ON, VMX_PROC_IO_BITMAPS, "I/O bitmaps"},
	{WORD_PROC, NEED_ON, VMX_PROC_MSR_BITMAPS, "MSR bitmaps"},
	{WORD_PROC, NEED_ON, VMX_PROC_MWAIT, "MWAIT exiting"},
	{WORD_PROC, NEED_ON, VMX_PROC_MONITOR, "MONITOR exiting"},
	{WORD_PROC, NEED_ON, VMX_PROC_RDPMC, "RDPMC exiting"},
	{WORD_PROC, NEED_ON, VMX_PROC_NMI_WINDOW, "NMI-window exiting"},
	{WORD_PROC, NEED_OFF, VMX_PROC_INTERRUPT_WINDOW, "interrupts without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_HLT, "HLT without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_INVLPG, "INVLPG without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_RDTSC, "RDTSC without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_CR3_LOAD,
	 "CR3 loads without exits (IA32_VMX_TRUE_PROCBASED_CTLS)"},
	{WORD_PROC, NEED_OFF, VMX_PROC_CR3_STORE,
	 "CR3 stores without exits (IA32_VMX_TRUE_PROCBASED_CTLS)"},
	{WORD_PROC, NEED_OFF, VMX_PROC_CR8_LOAD, "CR8 loads without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_CR8_STORE, "CR8 stores without exits"},
	{WORD_PROC, NEED_OFF, VMX_PROC_TPR_SHADOW, "CR8 as the local APIC's own"},
	{WORD_PROC2, WANT_ON, VMX_PROC2_RDTSCP, "RDTSCP in guests"},
	{WORD_PROC2, WANT_ON, VMX_PROC2_INVPCID, "INVPCID in guests"},
	{WORD_PROC2, WANT_ON, VMX_PROC2_VPID, "translations that outlive an exit"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_HOST_64, "a 64-bit host after exits"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_SAVE_DEBUG, "DR7 saved at exits"},
	{WORD_EXIT, NEED_OFF, VMX_EXIT_ACK_INTERRUPT, "interrupts left pending at exits"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_SAVE_PAT, "IA32_PAT saved at exits"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_LOAD_PAT, "IA32_PAT loaded at exits"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_SAVE_EFER, "IA32_EFER saved at exits"},
	{WORD_EXIT, NEED_ON, VMX_EXIT_LOAD_EFER, "IA32_EFER loaded at exits"},
	{WORD_ENTRY, NEED_ON, VMX_ENTRY_LOAD_DEBUG, "DR7 loaded at entries"},
	{WORD_ENTRY, NEED_ON, VMX_ENTRY_LONG_MODE, "64-bit guests"},
	{WORD_ENTRY, NEED_ON, VMX_ENTRY_LOAD_PAT, "IA32_PAT loaded at entries"},
	{WORD_ENTRY, NEED_ON, VMX_ENTRY_LOAD_EFER, "IA32_EFER loaded at entries"},
};

/* A.3 to A.5: bits 31:0 tell what must be 1, bits 63:32 what may be. */
static bool must_be_on(u64 allowed, u64 bit)
{
	return (u32)allowed & bit;
}

static bool may_be_on(u64 allowed, u64 bit)
{
	return allowed >> 32 & bit;
}

/* The control words; what is missing, if anything. */
static const char *choose_controls(const u64 allowed[WORDS], u32 value[WORDS])
{
	for (unsigned word = 0; word < WORDS; word++)
		value[word] = (u32)allowed[word];
	for (unsigned i = 0; i < ARRAY_SIZE(control_rows); i++) {
		const struct control_row *row = &control_rows[i];
		u64 word = allowed[row->word];

		if (row->need == NEED_OFF ? must_be_on(word, row->bit)
					  : row->need == NEED_ON && !may_be_on(word, row->bit))
			return row->text;
		if (row->need != NEED_OFF && may_be_on(word, row->bit))
			value[row->word] |= (u32)row->bit;
	}
	/* Those two are turned on when they are wanted. */
	value[WORD_PROC] &= ~(u32)(VMX_PROC_NMI_WINDOW & ~allowed[WORD_PROC]);
	value[WORD_ENTRY] &= ~(u32)(VMX_ENTRY_LONG_MODE & ~allowed[WORD_ENTRY]);
	return NULL;
}

static const char *missing_feature(const struct vmx_words *words)
{
	u64 control = words->feature_control;

	if (!(words->cpuid_1_ecx & CPUID_VMX))
		return "VMX (CPUID 1 ECX bit 5)";
	if (control & FEATURE_CONTROL_LOCK && !(control & FEATURE_CONTROL_VMXON))
		return "VMX: firmware locked it off (IA32_FEATURE_CONTROL); turn on \"Intel "
		       "Virtualization Technology\" (VT-x) in the firmware's set-up, and power the "
		       "machine off and on";
	if (!(words->misc & VMX_MISC_SAVES_LMA))
		return "EFER.LMA saved at exits (IA32_VMX_MISC bit 5)";
	return NULL;
}

static const char *missing_ept(u64 ept_vpid)
{
	return !(ept_vpid & VMX_EPT_VPID_4_LEVELS) ? "EPT of 4 levels"
	       : !(ept_vpid & (VMX_EPT_VPID_WALK_WB | VMX_EPT_VPID_WALK_UC))
		       ? "a memory type of EPT's tables"
	       : !(ept_vpid & VMX_EPT_VPID_INVEPT) ||
			       !(ept_vpid & (VMX_EPT_VPID_INVEPT_SINGLE | VMX_EPT_VPID_INVEPT_ALL))
		       ? "INVEPT"
		       : NULL;
}

/* Flushed by VPID they can be kept apart; without, entries and exits flush all. */
static bool has_invvpid(u64 ept_vpid)
{
	return ept_vpid & VMX_EPT_VPID_INVVPID &&
	       ept_vpid & (VMX_EPT_VPID_INVVPID_SINGLE | VMX_EPT_VPID_INVVPID_ALL);
}

enum status vmx_caps_decode(const struct vmx_words *words, struct vmx_caps *caps,
			    const char **missing)
{
	const u64 allowed[WORDS] = {words->pin, words->proc, words->proc2, words->exit,
				    words->entry};
	u32 value[WORDS];

	*missing = missing_feature(words);
	if (!*missing)
		*missing = choose_controls(allowed, value);
	if (!*missing)
		*missing = missing_ept(words->ept_vpid);
	if (*missing)
		return ERR_UNSUPPORTED;
	if (!has_invvpid(words->ept_vpid))
		value[WORD_PROC2] &= ~(u32)VMX_PROC2_VPID;
	*caps = (struct vmx_caps){
		.revision = (u32)(words->basic & VMX_BASIC_REVISION),
		.pin = value[WORD_PIN],
		.proc = value[WORD_PROC],
		.proc2 = value[WORD_PROC2],
		.exit = value[WORD_EXIT],
		.entry = value[WORD_ENTRY],
		.pin_allowed = words->pin,
		.proc_allowed = words->proc,
		.proc2_allowed = words->proc2,
		.exit_allowed = words->exit,
		.entry_allowed = words->entry,
		.cr0_fixed0 = words->cr0_fixed0,
		.cr0_fixed1 = words->cr0_fixed1,
		.cr4_fixed0 = words->cr4_fixed0,
		.cr4_fixed1 = words->cr4_fixed1,
		.address_bits = words->address_bits,
		.linear_bits = words->linear_bits,
		.event_length_0 = words->misc & VMX_MISC_LENGTH_0,
		.event_error_any = words->basic & VMX_BASIC_ERROR_ANY,
		.ept_2m = words->ept_vpid & VMX_EPT_VPID_2M,
		.ept_1g = words->ept_vpid & VMX_EPT_VPID_1G,
		.ept_walk_wb = words->ept_vpid & VMX_EPT_VPID_WALK_WB,
		.ept_accessed_dirty = words->ept_vpid & VMX_EPT_VPID_AD,
		.invept_single = words->ept_vpid & VMX_EPT_VPID_INVEPT_SINGLE,
		.vpid = value[WORD_PROC2] & VMX_PROC2_VPID,
		.invvpid_single = words->ept_vpid & VMX_EPT_VPID_INVVPID_SINGLE,
	};
	return OK;
}

/* MSRs that are not there are not read: each is announced by one before it. */
static void read_words(struct vmx_words *words)
{
	words->cpuid_1_ecx = cpuid(1, 0).ecx;
	if (cpuid(0x80000000, 0).eax >= CPUID_LONG_LEAF) {
		u32 eax = cpuid(CPUID_LONG_LEAF, 0).eax;

		words->address_bits = (u8)eax;
		words->linear_bits = (u8)(eax >> 8);
	}
	if (!(words->cpuid_1_ecx & CPUID_VMX))
		return;
	words->feature_control = msr_read(MSR_FEATURE_CONTROL);
	words->basic = msr_read(MSR_VMX_BASIC);
	bool exact = words->basic & VMX_BASIC_TRUE_CONTROLS;

	words->pin = msr_read(exact ? MSR_VMX_TRUE_PIN : MSR_VMX_PIN);
	words->proc = msr_read(exact ? MSR_VMX_TRUE_PROC : MSR_VMX_PROC);
	words->exit = msr_read(exact ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT);
	words->entry = msr_read(exact ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY);
	words->misc = msr_read(MSR_VMX_MISC);
	words->cr0_fixed0 = msr_read(MSR_VMX_CR0_FIXED0);
	words->cr0_fixed1 = msr_read(MSR_VMX_CR0_FIXED1);
	words->cr4_fixed0 = msr_read(MSR_VMX_CR4_FIXED0);
	words->cr4_fixed1 = msr_read(MSR_VMX_CR4_FIXED1);
	if (may_be_on(words->proc, VMX_PROC_SECONDARY))
		words->proc2 = msr_read(MSR_VMX_PROC2);
	if (may_be_on(words->proc2, VMX_PROC2_EPT | VMX_PROC2_VPID))
		words->ept_vpid = msr_read(MSR_VMX_EPT_VPID);
}

enum status vmx_probe(void)
{
	struct vmx_words words = {0};
	const char *missing;
	enum status status;

	read_words(&words);
	if (!(words.cpuid_1_ecx & CPUID_VMX))
		return ERR_NOT_FOUND;
	status = vmx_caps_decode(&words, &vmx_caps, &missing);
	if (status != OK)
		log_line("vmx", "not usable: this CPU lacks %s", missing);
	else
		log_line("vmx", "EPT 4K%s%s, %s, VPID %s, accessed and dirty bits %s",
			 vmx_caps.ept_2m ? " 2M" : "", vmx_caps.ept_1g ? " 1G" : "",
			 vmx_caps.ept_walk_wb ? "write-back" : "uncached",
			 vmx_caps.vpid ? "yes" : "no", vmx_caps.ept_accessed_dirty ? "yes" : "no");
	return status;
}
