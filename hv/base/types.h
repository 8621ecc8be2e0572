/* Integer types and the three address spaces, which the compiler keeps apart. */
#ifndef HV_BASE_TYPES_H
#define HV_BASE_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* Host-physical: what the memory bus sees. */
typedef struct {
	u64 v;
} hpa_t;

/* Guest-physical: what a VM takes for physical. */
typedef struct {
	u64 v;
} gpa_t;

/* What a device puts on the bus, before the IOMMU. */
typedef struct {
	u64 v;
} iova_t;

static inline hpa_t hpa(u64 v)
{
	return (hpa_t){v};
}

static inline gpa_t gpa(u64 v)
{
	return (gpa_t){v};
}

static inline iova_t iova(u64 v)
{
	return (iova_t){v};
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A function that the common way does without: it is kept out of that, with what it needs. */
#define RARE __attribute__((cold, noinline))

#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

#endif
