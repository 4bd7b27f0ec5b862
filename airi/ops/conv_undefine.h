/* Ends what conv_tile.h defined for one number type and instruction set. */

#undef LANES
#undef VECTOR
#undef ALWAYS_INLINE
#undef QUAD
#undef AT_QUAD
#undef SHUFFLE
#undef EVEN_LANES
#undef LOW_LANES
#undef HIGH_LANES
#undef LOAD
#undef STORE
#undef PRODUCT_ARGUMENTS
#undef DEFINE_PRODUCT
#undef PRODUCT
