/* The kernels of one instruction set in the order of KernelNumber; then its names are free. */

static const InstructionSet NAME(table) = {
#define TEXT(name) #name
#define TEXT_EXPANDED(name) TEXT(name)
    TEXT_EXPANDED(INSTRUCTIONS),
#define KERNEL(name) NAME(name),
    {KERNELS_BY_NAME(KERNEL)},
#undef KERNEL
#undef TEXT
#undef TEXT_EXPANDED
};

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef EACH_VECTOR
#undef LARGER
#undef SMALLER
#undef ROOT
