/* The hypervisor's own command line, and what the lines of VMs are read with, too. */
#include "hv/base/string.h"
#include "hv/vm/config_line.h"

#define UART_PORT_DEFAULT 0x3f8
#define UART_PORT_LAST	  0xfff8 /* a UART has eight ports */

enum status config_refuse(struct config_error *error, struct text word, const char *reason)
{
	error->reason = reason;
	text_copy(word, error->word, sizeof(error->word));
	return ERR_INVALID;
}

bool config_is_list(struct text value)
{
	return value.length && value.start[value.length - 1] != ',';
}

enum status config_take(const struct option_table *table, void *config, struct text word, u32 *seen,
			struct config_error *error)
{
	for (u32 i = 0; i < table->count; i++) {
		struct text value;

		if (!text_value(word, table->option[i].key, &value))
			continue;
		if (*seen & BIT(i))
			return config_refuse(error, word, "this option is given twice");
		*seen |= (u32)BIT(i);
		return table->option[i].take(config, word, value, error);
	}
	return config_refuse(error, word, table->unknown);
}

static enum status take_exit(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;

	if (text_is(value, "debug"))
		hv->exit = EXIT_DEBUG_PORT;
	else if (text_is(value, "bochs"))
		hv->exit = EXIT_BOCHS;
	else if (text_is(value, "halt"))
		hv->exit = EXIT_HALT;
	else
		return config_refuse(error, word, "exit= is none of debug, bochs and halt");
	return OK;
}

static enum status take_pool(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;

	if (!text_size(value, &hv->pool_size) || !hv->pool_size)
		return config_refuse(error, word, "pool= is not a size");
	return OK;
}

static enum status take_uart(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;
	u64 port;

	if (text_is(value, "none"))
		port = 0;
	else if (!text_number(value, &port) || port > UART_PORT_LAST)
		return config_refuse(error, word, "uart= is neither a port nor none");
	hv->uart_port = (u16)port;
	return OK;
}

/* "BDF:GSI": the last colon divides them. */
static bool read_intx(struct text part, struct sbdf *device, u32 *gsi)
{
	size_t colon = part.length;
	struct text number;
	u64 value;

	while (colon && part.start[colon - 1] != ':')
		colon--;
	if (!colon)
		return false;
	number = (struct text){part.start + colon, part.length - colon};
	if (!text_number(number, &value) || value > UINT32_MAX)
		return false;
	*gsi = (u32)value;
	return text_sbdf((struct text){part.start, colon - 1}, device);
}

static enum status take_intx(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;
	struct text part;

	if (!config_is_list(value))
		return config_refuse(error, word, "intx= takes BDF:GSI[,BDF:GSI]...");
	while (text_next(&value, ',', &part)) {
		u32 n = hv->intx_count;

		if (n == CONFIG_MAX_INTX)
			return config_refuse(error, word, "intx= has too many entries");
		if (!read_intx(part, &hv->intx[n].device, &hv->intx[n].gsi))
			return config_refuse(error, part, "intx= takes BDF:GSI[,BDF:GSI]...");
		hv->intx_count++;
	}
	return OK;
}

static enum status take_iommu(void *config, struct text word, struct text value,
			      struct config_error *error)
{
	struct hv_config *hv = config;

	if (!text_is(value, "unsafe-identity"))
		return config_refuse(error, word, "iommu= takes unsafe-identity and nothing else");
	hv->unsafe_identity = true;
	return OK;
}

static enum status take_check(void *config, struct text word, struct text value,
			      struct config_error *error)
{
	struct hv_config *hv = config;
	static const char *const names[] = {
		[CHECK_UD] = "ud",     [CHECK_STACK] = "stack", [CHECK_TEXT] = "text",
		[CHECK_DATA] = "data", [CHECK_NULL] = "null",	[CHECK_GS] = "gs",
	};

	for (u32 i = CHECK_UD; i < ARRAY_SIZE(names); i++)
		if (text_is(value, names[i])) {
			hv->check = (enum hv_check)i;
			return OK;
		}
	return config_refuse(error, word, "check= is none of ud, stack, text, data and null");
}

static const struct option hv_options[] = {
	{"exit=", take_exit}, {"pool=", take_pool},   {"uart=", take_uart},
	{"intx=", take_intx}, {"check=", take_check}, {"iommu=", take_iommu},
};

static const struct option_table hv_table = {
	hv_options,
	ARRAY_SIZE(hv_options),
	"unknown option",
};

bool config_is_file_name(struct text word)
{
	return word.start[0] == '/' || word.start[0] == '(';
}

enum status config_parse_hv(const char *command, struct hv_config *hv, struct config_error *error)
{
	struct text rest = text_of(command);
	struct text word;
	bool first = true;
	u32 seen = 0;

	*hv = (struct hv_config){.uart_port = UART_PORT_DEFAULT};
	for (; text_next(&rest, ' ', &word); first = false) {
		enum status status;

		if (first && config_is_file_name(word))
			continue;
		status = config_take(&hv_table, hv, word, &seen, error);
		if (status != OK)
			return status;
	}
	return OK;
}
