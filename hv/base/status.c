#include "hv/base/status.h"

const char *status_name(enum status status)
{
	switch (status) {
	case OK:
		return "ok";
	case ERR_INVALID:
		return "invalid";
	case ERR_TRUNCATED:
		return "truncated";
	case ERR_CHECKSUM:
		return "bad checksum";
	case ERR_NOT_FOUND:
		return "not found";
	case ERR_EXISTS:
		return "exists already";
	case ERR_NO_MEMORY:
		return "out of memory";
	case ERR_UNSUPPORTED:
		return "not supported";
	case ERR_BUSY:
		return "busy";
	case ERR_TIMEOUT:
		return "timed out";
	case ERR_HARDWARE:
		return "hardware error";
	}
	return "unknown";
}
