/*
 * The one set of errors. A function that returns a status can't have it ignored: the enum itself is
 * marked so.
 */
#ifndef HV_BASE_STATUS_H
#define HV_BASE_STATUS_H

/* By a name, because clang-format takes the bare attribute for a list. */
#define MUST_CHECK [[nodiscard]]

enum MUST_CHECK status {
	OK = 0,
	ERR_INVALID,	 /* an argument or a foreign byte is out of its range */
	ERR_TRUNCATED,	 /* the bytes end before the structure does */
	ERR_CHECKSUM,	 /* a table's bytes don't add up to zero */
	ERR_NOT_FOUND,	 /* what was looked for isn't there */
	ERR_EXISTS,	 /* it is there already, or overlaps what is */
	ERR_NO_MEMORY,	 /* the page pool, or a fixed table, is full */
	ERR_UNSUPPORTED, /* this hardware or this build can't do it */
	ERR_BUSY,	 /* owned by someone else */
	ERR_TIMEOUT,	 /* hardware did not answer within the bound */
	ERR_HARDWARE,	 /* hardware answered with an error */
};

/* "invalid", "truncated" ...: a short lower-case name for messages. Never NULL. */
const char *status_name(enum status status);

#endif
