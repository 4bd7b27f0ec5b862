/* The kernels of one instruction set in the order of KernelNumber; then its names are free. */

static const InstructionSet NAME(table) = {
#define TEXT(name) #name
#define TEXT_EXPANDED(name) TEXT(name)
    TEXT_EXPANDED(INSTRUCTIONS),
    {NAME(exp), NAME(tanh_grad), NAME(sigmoid), NAME(sigmoid_grad), NAME(silu),
     NAME(silu_grad), NAME(gelu), NAME(gelu_grad), NAME(gelu_tanh_each), NAME(gelu_tanh_grad),
     NAME(relu), NAME(relu_grad),
     NAME(softmax), NAME(softmax_grad), NAME(log_softmax), NAME(log_softmax_grad),
     NAME(log_sum_exp), NAME(cross_entropy_grad), NAME(norm), NAME(norm_grad), NAME(moments),
     NAME(scale_and_shift), NAME(dots), NAME(combine), NAME(row_sums),
     NAME(add), NAME(add_to_rows)},
#undef TEXT
#undef TEXT_EXPANDED
};

#undef INSTRUCTIONS
#undef VECTOR_BYTES
#undef EACH_VECTOR
#undef LARGER
#undef SMALLER
