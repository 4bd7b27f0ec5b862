"""Which ops are Tensor methods: one class body of aliases, which Tensor inherits.

Nothing is wrapped and nothing set from outside, so help(), completion and type checkers see each
method; its documentation is the function's.
"""

from __future__ import annotations

from airi.ops import (
    casts,
    contraction,
    conversion,
    creation,
    cumulative,
    diagonals,
    elementwise,
    extremes,
    indexing,
    inplace,
    joining,
    linalg,
    masking,
    matmul,
    questions,
    random,
    reduction,
    scattering,
    splitting,
    transcendental,
    views,
)


class TensorMethods:
    """Ops as methods of Tensor."""

    # Another dtype, other memory
    to = conversion.to
    clone = conversion.clone
    contiguous = conversion.contiguous
    type = conversion.type
    type_as = conversion.type_as
    cpu = conversion.cpu
    cuda = conversion.cuda
    half = casts.half
    float = casts.float
    double = casts.double
    char = casts.char
    short = casts.short
    int = casts.int
    long = casts.long
    byte = casts.byte
    bool = casts.bool
    is_nonzero = questions.is_nonzero
    is_same_size = questions.is_same_size

    # New tensors in this one's dtype
    new = creation.new
    new_empty = creation.new_empty
    new_zeros = creation.new_zeros
    new_ones = creation.new_ones
    new_full = creation.new_full
    new_tensor = creation.new_tensor

    # Arithmetic
    add = elementwise.add
    sub = subtract = elementwise.sub
    mul = multiply = elementwise.mul
    div = divide = true_divide = elementwise.div
    floor_divide = elementwise.floor_divide
    remainder = elementwise.remainder
    fmod = elementwise.fmod
    neg = negative = elementwise.neg
    positive = elementwise.positive
    square = elementwise.square
    reciprocal = elementwise.reciprocal
    abs = absolute = elementwise.abs
    sign = elementwise.sign
    floor = elementwise.floor
    ceil = elementwise.ceil
    round = elementwise.round
    trunc = fix = elementwise.trunc
    frac = elementwise.frac
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    clamp = clip = elementwise.clamp
    lerp = elementwise.lerp
    addcmul = elementwise.addcmul
    addcdiv = elementwise.addcdiv
    pow = transcendental.pow
    sqrt = transcendental.sqrt
    rsqrt = transcendental.rsqrt
    exp = transcendental.exp
    log = transcendental.log

    # Reductions
    sum = reduction.sum
    nansum = reduction.nansum
    mean = reduction.mean
    nanmean = reduction.nanmean
    prod = reduction.prod
    var = reduction.var
    std = reduction.std
    norm = reduction.norm
    logsumexp = reduction.logsumexp
    all = reduction.all
    any = reduction.any
    count_nonzero = reduction.count_nonzero
    max = extremes.max
    min = extremes.min
    amax = extremes.amax
    amin = extremes.amin
    aminmax = extremes.aminmax
    argmax = extremes.argmax
    argmin = extremes.argmin

    # Along one dimension
    cumsum = cumulative.cumsum
    cumprod = cumulative.cumprod
    cummax = cumulative.cummax
    cummin = cumulative.cummin
    logcumsumexp = cumulative.logcumsumexp
    diff = cumulative.diff
    cumsum_ = inplace.cumsum_
    cumprod_ = inplace.cumprod_

    # Linear algebra
    __matmul__ = matmul.matmul
    __rmatmul__ = matmul.rmatmul
    mm = matmul.mm
    bmm = matmul.bmm
    mv = matmul.mv
    dot = matmul.dot
    vdot = matmul.vdot
    inner = matmul.inner
    outer = ger = matmul.outer
    addmm = matmul.addmm
    addmm_ = matmul.addmm_
    addmv = matmul.addmv
    addmv_ = matmul.addmv_
    addr = matmul.addr
    addr_ = matmul.addr_
    baddbmm = matmul.baddbmm
    baddbmm_ = matmul.baddbmm_
    addbmm = matmul.addbmm
    addbmm_ = matmul.addbmm_
    kron = contraction.kron
    trace = linalg.trace
    cross = linalg.cross
    inverse = linalg.inverse
    matrix_power = linalg.matrix_power
    matmul = matmul.matmul  # last: the name is the module's

    # Operators
    __add__ = __radd__ = elementwise.add
    __sub__ = elementwise.sub
    __rsub__ = elementwise.rsub
    __mul__ = __rmul__ = elementwise.mul
    __truediv__ = elementwise.div
    __rtruediv__ = elementwise.rdiv
    __floordiv__ = elementwise.floor_divide
    __rfloordiv__ = elementwise.rfloor_divide
    __mod__ = elementwise.remainder
    __rmod__ = elementwise.rremainder
    __pow__ = transcendental.pow
    __rpow__ = transcendental.rpow
    __neg__ = elementwise.neg
    __pos__ = elementwise.positive
    __abs__ = elementwise.abs
    __iadd__ = inplace.add_
    __isub__ = inplace.sub_
    __imul__ = inplace.mul_
    __itruediv__ = inplace.div_
    __ipow__ = inplace.pow_

    # Repeated and turned round
    repeat = joining.repeat
    tile = joining.tile
    repeat_interleave = joining.repeat_interleave
    flip = joining.flip
    fliplr = joining.fliplr
    flipud = joining.flipud
    roll = joining.roll
    rot90 = joining.rot90

    # Indexing
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    index_select = indexing.index_select
    index_add = indexing.index_add
    index_add_ = indexing.index_add_
    index_copy = indexing.index_copy
    index_copy_ = indexing.index_copy_
    index_fill = indexing.index_fill
    index_fill_ = indexing.index_fill_
    index_put = indexing.index_put
    index_put_ = indexing.index_put_
    masked_fill = masking.masked_fill
    masked_fill_ = masking.masked_fill_
    masked_select = masking.masked_select
    masked_scatter = masking.masked_scatter
    masked_scatter_ = masking.masked_scatter_
    take = indexing.take
    put = indexing.put
    put_ = indexing.put_
    nonzero = masking.nonzero
    argwhere = masking.argwhere
    gather = scattering.gather
    take_along_dim = scattering.take_along_dim
    scatter_add = scattering.scatter_add
    scatter_add_ = scattering.scatter_add_
    scatter_reduce = scattering.scatter_reduce
    scatter_reduce_ = scattering.scatter_reduce_
    scatter_ = scattering.scatter_
    scatter = scattering.scatter

    # In place
    copy_ = inplace.copy_
    fill_ = inplace.fill_
    zero_ = inplace.zero_
    add_ = inplace.add_
    sub_ = subtract_ = inplace.sub_
    mul_ = multiply_ = inplace.mul_
    div_ = divide_ = true_divide_ = inplace.div_
    pow_ = inplace.pow_
    clamp_ = clip_ = inplace.clamp_
    neg_ = negative_ = inplace.neg_
    abs_ = absolute_ = inplace.abs_
    sign_ = inplace.sign_
    floor_ = inplace.floor_
    ceil_ = inplace.ceil_
    round_ = inplace.round_
    trunc_ = inplace.trunc_
    square_ = inplace.square_
    reciprocal_ = inplace.reciprocal_
    sqrt_ = inplace.sqrt_
    rsqrt_ = inplace.rsqrt_
    exp_ = inplace.exp_
    log_ = inplace.log_

    # Random
    bernoulli = random.bernoulli
    multinomial = random.multinomial
    uniform_ = random.uniform_
    normal_ = random.normal_
    log_normal_ = random.log_normal_
    bernoulli_ = random.bernoulli_
    random_ = random.random_
    exponential_ = random.exponential_
    geometric_ = random.geometric_
    cauchy_ = random.cauchy_

    # Views
    reshape = views.reshape
    reshape_as = views.reshape_as
    view = views.view
    view_as = views.view_as
    permute = views.permute
    transpose = swapaxes = swapdims = views.transpose
    t = views.t
    T = property(views.all_reversed)
    H = property(views.hermitian)
    mT = mH = property(views.matrix_transpose)
    adjoint = views.adjoint
    as_strided = views.as_strided
    movedim = moveaxis = views.movedim
    expand = views.expand
    expand_as = views.expand_as
    broadcast_to = views.broadcast_to
    sum_to_size = views.sum_to_size
    squeeze = views.squeeze
    unsqueeze = views.unsqueeze
    flatten = views.flatten
    ravel = views.ravel
    unflatten = views.unflatten
    narrow = views.narrow
    select = views.select
    diagonal = diagonals.diagonal
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    triu = diagonals.triu
    triu_ = diagonals.triu_
    tril = diagonals.tril
    tril_ = diagonals.tril_
    unfold = views.unfold
    unbind = splitting.unbind
    split = splitting.split
    chunk = splitting.chunk
    tensor_split = splitting.tensor_split
    vsplit = splitting.vsplit
    hsplit = splitting.hsplit
    dsplit = splitting.dsplit
