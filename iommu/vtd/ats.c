/*
 * Devices that firmware let translate addresses by themselves (ATS, PCIe 5.0 chapter 10).
 *
 * What such a device has translated it keeps until it is told to forget: the units' own caches were emptied,
 * its TLB was not (6.5.3.3 asks for both, in this order, as it could fill its TLB again from a stale IOTLB). That
 * is asked of it while its ATS is on, as a device need not answer without, and turning ATS off makes it
 * forget nothing. Meanwhile it is blocked, whatever it does: no context entry lets requests with addresses of the
 * device's own through.
 *
 * A unit without device-TLBs (ECAP.DT) or queue never gave any translation to a device, and can't ask for it. A
 * device that firmware goes on using (RMRR) has ATS off before the units are on, or its own translations would be
 * blocked then.
 */
#include "hv/base/log.h"
#include "iommu/vtd/internal.h"

static enum status forget(struct vtd_unit *unit, const struct pci_function *function)
{
	char text[SBDF_TEXT_MAX];
	enum status status;

	log_line("vtd", "unit %u: firmware left ATS on in %s: it is told to forget, and turned off",
		 unit->index, sbdf_text(function->address, text));
	status = vtd_invalidate_device(unit, function->address.bdf, function->ats_pending);
	/* The queue has told why. It was refused, or the device is silent: it is blocked all the same. */
	return status == ERR_HARDWARE ? OK : status;
}

enum status vtd_devices_forget(void)
{
	const struct pci_topology *pci = &vtd.platform->pci;
	enum status result = OK;

	for (u32 i = 0; i < pci->count; i++) {
		const struct pci_function *function = &pci->function[i];
		struct sbdf requester = pci_requester_id(pci, function);
		struct vtd_unit *unit;
		enum status status = OK;

		if (!function->ats_on || vtd_reserved_has(requester))
			continue;
		if (vtd_unit_for(requester, &unit) == OK && unit->caps.device_tlbs)
			status = forget(unit, function);
		if (status != OK)
			result = status;
		pci_ats_off(function);
	}
	return result;
}
