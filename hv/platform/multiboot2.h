/* What the boot information is made of: Multiboot2 specification 2.0, section 3.6. */
#ifndef HV_PLATFORM_MULTIBOOT2_H
#define HV_PLATFORM_MULTIBOOT2_H

/* 3.6.1: the fixed part, then tags that start at multiples of 8. */
#define MB2_TOTAL_SIZE 0
#define MB2_FIRST_TAG  8
#define MB2_TAG_ALIGN  8
#define MB2_TAG_TYPE   0
#define MB2_TAG_SIZE   4 /* with the tag's header, without padding */
#define MB2_TAG_HEADER 8
#define MB2_MIN_SIZE   (MB2_FIRST_TAG + MB2_TAG_HEADER) /* nothing but the end tag */

#define MB2_END		0
#define MB2_COMMAND	1
#define MB2_LOADER	2
#define MB2_MODULE	3
#define MB2_MMAP	6
#define MB2_FRAMEBUFFER 8
#define MB2_EFI32	11
#define MB2_EFI64	12
#define MB2_ACPI_OLD	14
#define MB2_ACPI_NEW	15
#define MB2_EFI_MMAP	17
#define MB2_EFI_ACTIVE	18 /* boot services were not terminated */

/* Offsets within the tags, from the start of each. */
#define MB2_MODULE_START   8
#define MB2_MODULE_END	   12 /* one past the last byte */
#define MB2_MODULE_COMMAND 16

#define MB2_MMAP_ENTRY_SIZE 8
#define MB2_MMAP_ENTRIES    16

#define MB2_MMAP_BASE	   0 /* within an entry */
#define MB2_MMAP_LENGTH	   8
#define MB2_MMAP_TYPE	   16
#define MB2_MMAP_ENTRY_MIN 24
#define MB2_MMAP_RAM	   1
#define MB2_MMAP_ACPI	   3
#define MB2_MMAP_NVS	   4
#define MB2_MMAP_BAD	   5

#define MB2_FB_ADDRESS 8
#define MB2_FB_PITCH   16
#define MB2_FB_WIDTH   20
#define MB2_FB_HEIGHT  24
#define MB2_FB_BPP     28
#define MB2_FB_TYPE    29
#define MB2_FB_SIZE    30 /* then colours, which nobody asks for */
#define MB2_FB_INDEXED 0
#define MB2_FB_RGB     1
#define MB2_FB_EGA     2

#define MB2_RSDP     8
#define MB2_RSDP_OLD 20
#define MB2_RSDP_NEW 36

#endif
