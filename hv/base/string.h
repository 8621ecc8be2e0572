/*
 * The part of the C library that the hypervisor uses, under its standard names: gcc emits calls to
 * the mem* functions on its own, and host builds take libc's.
 */
#ifndef HV_BASE_STRING_H
#define HV_BASE_STRING_H

#include "hv/base/types.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);

#endif
