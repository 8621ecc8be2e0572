#include "arch/x86/cpu.h"
#include "arch/x86/svm/internal.h"
#include "hv/base/log.h"

#define CPUID_SVM	     BIT(2) /* 8000_0001 ECX */
#define CPUID_NESTED_PAGING  BIT(0) /* 8000_000A EDX */
#define CPUID_NRIP_SAVE	     BIT(3)
#define CPUID_FLUSH_BY_ASID  BIT(6)
#define CPUID_DECODE_ASSISTS BIT(7)

struct svm_caps svm_caps;

enum status svm_caps_decode(u32 ext_1_ecx, u32 revision, u32 ebx, u32 edx, u64 vm_cr,
			    struct svm_caps *caps, const char **missing)
{
	*missing = !(ext_1_ecx & CPUID_SVM)	  ? "SVM (CPUID 8000_0001 ECX bit 2)"
		   : vm_cr & VM_CR_SVMDIS	  ? "SVM: firmware locked it (VM_CR.SVMDIS); "
						    "turn it on in the firmware's set-up"
		   : !(revision & 0xff)		  ? "an SVM revision (CPUID 8000_000A EAX)"
		   : ebx < 2			  ? "an ASID for guests (CPUID 8000_000A EBX)"
		   : !(edx & CPUID_NESTED_PAGING) ? "nested paging (CPUID 8000_000A EDX bit 0)"
						  : NULL;
	if (*missing)
		return ERR_UNSUPPORTED;
	*caps = (struct svm_caps){
		.asids = ebx,
		.nrip_save = edx & CPUID_NRIP_SAVE,
		.flush_by_asid = edx & CPUID_FLUSH_BY_ASID,
		.decode_assists = edx & CPUID_DECODE_ASSISTS,
	};
	return OK;
}

enum status svm_probe(void)
{
	bool has_leaf = cpuid(0x80000000, 0).eax >= 0x8000000a;
	u32 ext_1_ecx = cpuid(0x80000001, 0).ecx;
	struct cpuid leaf = has_leaf ? cpuid(0x8000000a, 0) : (struct cpuid){0};
	u64 vm_cr = ext_1_ecx & CPUID_SVM ? msr_read(MSR_VM_CR) : 0;
	const char *missing;
	enum status status = svm_caps_decode(ext_1_ecx, leaf.eax, leaf.ebx, leaf.edx, vm_cr,
					     &svm_caps, &missing);

	if (status != OK)
		log_line("svm", "not usable: this CPU lacks %s", missing);
	else
		log_line("svm", "%u ASIDs, NRIP save %s, decode assists %s, flush by ASID %s",
			 svm_caps.asids, svm_caps.nrip_save ? "yes" : "no",
			 svm_caps.decode_assists ? "yes" : "no",
			 svm_caps.flush_by_asid ? "yes" : "no");
	return status;
}
