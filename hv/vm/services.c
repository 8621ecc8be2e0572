#include "hv/vm/services.h"

struct services services;
