/* All kernels for one instruction set (INSTRUCTIONS), for float and for double. Included once for
 * each instruction set by conv_kernels.h. POSITION is an integer as wide as the number. */

#define REAL float
#define REAL_BYTES 4
#define POSITION int32_t
#include "conv_tile.h"
#include "conv_weight.h"
#include "conv_product.h"
#include "conv_winograd_tile.h"
#include "pool_kernels.h"
#include "conv_undefine.h"
#undef REAL
#undef REAL_BYTES
#undef POSITION

#define REAL double
#define REAL_BYTES 8
#define POSITION int64_t
#include "conv_tile.h"
#include "conv_weight.h"
#include "pool_kernels.h"
#include "conv_undefine.h"
#undef REAL
#undef REAL_BYTES
#undef POSITION

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef MAX_SUMS
