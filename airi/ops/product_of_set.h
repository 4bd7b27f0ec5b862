/* The kernels of one instruction set; then its names are free for the next. */

#include "fused_vectors.h"
#include "product_tile.h"
#include "attention_kernels.h"
#include "lstm_kernels.h"

static const InstructionSet NAME(set) = {
#define TEXT(name) #name
#define TEXT_EXPANDED(name) TEXT(name)
    .name = TEXT_EXPANDED(INSTRUCTIONS),
#undef TEXT
#undef TEXT_EXPANDED
    .lanes = LANES,
    .tile_rows = TILE_ROWS,
    .multiply = NAME(multiply),
    .attention = NAME(attention),
    .attention_grad = NAME(attention_grad),
    .lstm = NAME(lstm),
    .lstm_grad = NAME(lstm_grad),
};

#undef INSTRUCTIONS
#undef TILE_ROWS
#undef VECTOR_BYTES
#undef QUAD
#undef AT_QUAD
#undef SHUFFLE
#undef LARGER
#undef SMALLER
#undef EACH_VECTOR
