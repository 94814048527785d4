#include "process_descriptor.h"
