#include "arch/x86/cpu.h"
#include "arch/x86/svm/internal.h"
#include "hv/base/log.h"

#define CPUID_SVM	     BIT(2)  /* 8000_0001 ECX */
#define CPUID_FFXSR	     BIT(25) /* 8000_0001 EDX */
#define CPUID_NESTED_PAGING  BIT(0)  /* 8000_000A EDX */
#define CPUID_NRIP_SAVE	     BIT(3)
#define CPUID_FLUSH_BY_ASID  BIT(6)
#define CPUID_DECODE_ASSISTS BIT(7)

#define CPUID_HYPERVISOR BIT(31)     /* 1 ECX */
#define CPUID_TCG	 0x54474354u /* "TCGT" of "TCGTCGTCGTCG" */

struct svm_caps svm_caps;

enum status svm_caps_decode(const struct svm_words *words, struct svm_caps *caps,
			    const char **missing)
{
	*missing = !(words->ext_1_ecx & CPUID_SVM) ? "SVM (CPUID 8000_0001 ECX bit 2)"
		   : words->vm_cr & VM_CR_SVMDIS   ? "SVM: firmware locked it (VM_CR.SVMDIS); "
						     "turn it on in the firmware's set-up"
		   : !(words->revision & 0xff)	   ? "an SVM revision (CPUID 8000_000A EAX)"
		   : words->asids < 2		   ? "an ASID for guests (CPUID 8000_000A EBX)"
		   : !(words->features & CPUID_NESTED_PAGING)
			   ? "nested paging (CPUID 8000_000A EDX bit 0)"
			   : NULL;
	if (*missing)
		return ERR_UNSUPPORTED;
	*caps = (struct svm_caps){
		.asids = words->asids,
		.address_bits = words->address_bits,
		.nrip_save = words->features & CPUID_NRIP_SAVE,
		.flush_by_asid = words->features & CPUID_FLUSH_BY_ASID,
		.decode_assists = words->features & CPUID_DECODE_ASSISTS,
		.fast_fxsr = words->ext_1_edx & CPUID_FFXSR,
		.sticky_breakpoints = words->hypervisor == CPUID_TCG,
		.loses_cr0 = words->hypervisor == CPUID_TCG,
	};
	return OK;
}

enum status svm_probe(void)
{
	bool has_leaf = cpuid(0x80000000, 0).eax >= 0x8000000a;
	struct cpuid ext_1 = cpuid(0x80000001, 0);
	struct cpuid leaf = has_leaf ? cpuid(0x8000000a, 0) : (struct cpuid){0};
	struct svm_words words = {
		.ext_1_ecx = ext_1.ecx,
		.ext_1_edx = ext_1.edx,
		.revision = leaf.eax,
		.asids = leaf.ebx,
		.features = leaf.edx,
		.address_bits = has_leaf ? (u8)cpuid(0x80000008, 0).eax : 0,
		.hypervisor = cpuid(1, 0).ecx & CPUID_HYPERVISOR ? cpuid(0x40000000, 0).ebx : 0,
		.vm_cr = ext_1.ecx & CPUID_SVM ? msr_read(MSR_VM_CR) : 0,
	};
	const char *missing;
	enum status status;

	if (!(words.ext_1_ecx & CPUID_SVM))
		return ERR_NOT_FOUND;
	status = svm_caps_decode(&words, &svm_caps, &missing);

	if (status != OK)
		log_line("svm", "not usable: this CPU lacks %s", missing);
	else
		log_line("svm", "%u ASIDs, NRIP save %s, decode assists %s, flush by ASID %s",
			 svm_caps.asids, svm_caps.nrip_save ? "yes" : "no",
			 svm_caps.decode_assists ? "yes" : "no",
			 svm_caps.flush_by_asid ? "yes" : "no");
	return status;
}
