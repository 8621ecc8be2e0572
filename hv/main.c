/*
 * The story of a boot. Data flows one way: firmware's tables become the platform, platform and
 * configuration a plan, the plan VMs and tables; only then is hardware written.
 */
#include "arch/x86/svm/svm.h"
#include "arch/x86/vmx/vmx.h"
#include "drivers/uart.h"
#include "hv/machine.h"
#include "hv/platform/discover.h"
#include "hv/selfcheck.h"
#include "hv/vm/services.h"
#include "iommu/identity/identity.h"
#include "iommu/vtd/vtd.h"

void hv_main(u64 boot_information);

static struct platform platform;
static struct config config;
static struct plan plan;

void hv_main(u64 boot_information)
{
	machine_console(UART_COM1);
	machine_boot_information(boot_information, &platform.boot);
	machine_configuration(&platform.boot, &config);
	machine_memory(&platform.boot, &config.hv);
	platform_read_acpi(&platform);
	machine_require(platform_scan_pci(&platform, services.pool), "the table of PCI functions");
	services.platform = &platform;

	machine_cpu_backend(&svm_ops, &vmx_ops);
	machine_iommu(&vtd_ops, &identity_ops, &config.hv);
	machine_isolate_devices(&platform.pci);
	machine_silence_devices();
	machine_interrupts(&platform);
	platform_print(&platform);

	machine_plan(&config, &plan);
	machine_close(&plan);
	machine_start_processors(&plan);
	selfcheck(config.hv.check);
	machine_build_vms(&config.hv, &plan);
	machine_run_vms(&plan);
	machine_report();
}
