/* All kernels for one instruction set (INSTRUCTIONS), for float and for double. Included once for
 * each instruction set by conv_kernels.h. POSITION is an integer as wide as the number. */

#define REAL float
#define POSITION int32_t
#include "conv_tile.h"
#include "conv_weight.h"
#include "conv_product.h"
#include "conv_winograd_tile.h"
#include "conv_undefine.h"
#include "pool_kernels.h"
#undef REAL
#undef POSITION

#define REAL double
#define POSITION int64_t
#include "conv_tile.h"
#include "conv_weight.h"
#include "conv_undefine.h"
#include "pool_kernels.h"
#undef REAL
#undef POSITION

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef MAX_SUMS
