"""Which ops are Tensor methods: one class body of aliases, which Tensor inherits.

Nothing is wrapped and nothing set from outside, so help(), completion and type checkers see each
method; its documentation is the function's.
"""

from __future__ import annotations

from airi.ops import (
    activation,
    bessel,
    bounds,
    casts,
    comparison,
    complex,
    contraction,
    conversion,
    counting,
    creation,
    cumulative,
    diagonals,
    elementwise,
    elementwise_inplace,
    erf,
    extremes,
    gamma,
    index_along,
    index_reduce,
    indexing,
    inplace,
    inplace_shape,
    joining,
    linalg,
    linalg_factor,
    linalg_functions,
    linalg_older,
    masking,
    matmul,
    number_parts,
    positions,
    questions,
    random,
    reduction,
    renorm,
    rounding,
    scattering,
    softmax,
    sorting,
    sparse,
    spectral,
    splitting,
    statistics,
    ternary,
    transcendental,
    trigonometry,
    views,
    written_views,
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

    bfloat16 = casts.bfloat16
    cfloat = casts.cfloat
    cdouble = casts.cdouble
    # New tensors in this one's dtype
    new = creation.new
    new_empty = creation.new_empty
    new_empty_strided = creation.new_empty_strided
    new_zeros = creation.new_zeros
    new_ones = creation.new_ones
    new_full = creation.new_full
    new_tensor = creation.new_tensor

    # Arithmetic
    abs = absolute = elementwise.abs
    add = elementwise.add
    clamp = clip = bounds.clamp
    clamp_max = bounds.clamp_max
    clamp_min = bounds.clamp_min
    div = divide = true_divide = elementwise.div
    floor_divide = elementwise.floor_divide
    fmax = bounds.fmax
    fmin = bounds.fmin
    fmod = elementwise.fmod
    frexp = number_parts.frexp
    gcd = number_parts.gcd
    lcm = number_parts.lcm
    nextafter = number_parts.nextafter
    maximum = bounds.maximum
    minimum = bounds.minimum
    mul = multiply = elementwise.mul
    neg = negative = elementwise.neg
    positive = elementwise.positive
    reciprocal = elementwise.reciprocal
    remainder = elementwise.remainder
    sgn = elementwise.sgn
    sign = elementwise.sign
    square = elementwise.square
    sub = subtract = elementwise.sub

    # Three operands
    addcdiv = ternary.addcdiv
    addcmul = ternary.addcmul
    # Complex numbers
    angle = complex.angle
    conj = complex.conj
    conj_physical = complex.conj_physical
    resolve_conj = complex.resolve_conj
    resolve_neg = complex.resolve_neg
    conj_physical_ = complex.conj_physical_

    lerp = ternary.lerp

    # Rounding, signs and special values
    ceil = rounding.ceil
    copysign = rounding.copysign
    floor = rounding.floor
    frac = rounding.frac
    heaviside = rounding.heaviside
    nan_to_num = rounding.nan_to_num
    round = rounding.round
    trunc = fix = rounding.trunc

    # Powers, exponentials and logarithms
    exp = transcendental.exp
    exp2 = transcendental.exp2
    expm1 = transcendental.expm1
    float_power = transcendental.float_power
    ldexp = transcendental.ldexp
    log = transcendental.log
    log1p = transcendental.log1p
    log2 = transcendental.log2
    log10 = transcendental.log10
    logaddexp = transcendental.logaddexp
    logaddexp2 = transcendental.logaddexp2
    logit = transcendental.logit
    pow = transcendental.pow
    rsqrt = transcendental.rsqrt
    sigmoid = transcendental.sigmoid
    sqrt = transcendental.sqrt
    xlogy = transcendental.xlogy

    # Trigonometry
    acos = arccos = trigonometry.acos
    acosh = arccosh = trigonometry.acosh
    asin = arcsin = trigonometry.asin
    asinh = arcsinh = trigonometry.asinh
    atan = arctan = trigonometry.atan
    atan2 = arctan2 = trigonometry.atan2
    atanh = arctanh = trigonometry.atanh
    cos = trigonometry.cos
    cosh = trigonometry.cosh
    deg2rad = trigonometry.deg2rad
    hypot = trigonometry.hypot
    rad2deg = trigonometry.rad2deg
    sin = trigonometry.sin
    sinc = trigonometry.sinc
    sinh = trigonometry.sinh
    tan = trigonometry.tan
    tanh = trigonometry.tanh

    # Gamma and Bessel functions
    digamma = gamma.digamma
    i0 = bessel.i0
    igamma = gamma.igamma
    igammac = gamma.igammac
    lgamma = gamma.lgamma
    mvlgamma = gamma.mvlgamma
    polygamma = gamma.polygamma_of

    # The error function (last its own name, which is the module's)
    erfc = erf.erfc
    erfinv = erf.erfinv
    erf = erf.erf

    # Comparisons, logic and bits
    allclose = comparison.allclose
    bitwise_and = comparison.bitwise_and
    bitwise_left_shift = comparison.bitwise_left_shift
    bitwise_not = comparison.bitwise_not
    bitwise_or = comparison.bitwise_or
    bitwise_right_shift = comparison.bitwise_right_shift
    bitwise_xor = comparison.bitwise_xor
    eq = comparison.eq
    equal = comparison.equal
    ge = greater_equal = comparison.ge
    gt = greater = comparison.gt
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    isneginf = comparison.isneginf
    isposinf = comparison.isposinf
    isreal = comparison.isreal
    le = less_equal = comparison.le
    logical_and = comparison.logical_and
    logical_not = comparison.logical_not
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    lt = less = comparison.lt
    ne = not_equal = comparison.ne
    signbit = comparison.signbit

    # Activation functions
    hardshrink = activation.hardshrink
    prelu = activation.prelu
    relu = activation.relu

    # Softmax (last its own name, which is the module's)
    log_softmax = softmax.log_softmax
    softmax = softmax.softmax

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
    renorm_ = renorm.renorm_
    renorm = renorm.renorm
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
    det = linalg_functions.det
    logdet = linalg_functions.logdet
    slogdet = linalg_functions.slogdet
    matrix_exp = linalg_functions.matrix_exp
    cholesky = linalg_older.cholesky
    cholesky_inverse = linalg_older.cholesky_inverse
    cholesky_solve = linalg_older.cholesky_solve
    dist = linalg_older.dist
    geqrf = linalg_older.geqrf
    lu = linalg_older.lu
    lu_solve = linalg_older.lu_solve
    orgqr = linalg_factor.householder_product
    ormqr = linalg_older.ormqr
    pinverse = linalg_older.pinverse
    qr = linalg_older.qr
    svd = linalg_older.svd
    triangular_solve = linalg_older.triangular_solve
    matmul = matmul.matmul  # last: the name is the module's

    # Spectra over time
    stft = spectral.stft
    istft = spectral.istft

    # Order and counts
    sort = sorting.sort
    argsort = sorting.argsort
    msort = sorting.msort
    topk = sorting.topk
    kthvalue = sorting.kthvalue
    median = sorting.median
    nanmedian = sorting.nanmedian
    mode = sorting.mode
    quantile = sorting.quantile
    nanquantile = sorting.nanquantile
    unique = counting.unique
    unique_consecutive = counting.unique_consecutive
    bincount = counting.bincount
    histc = counting.histc
    histogram = statistics.histogram
    cov = statistics.cov
    corrcoef = statistics.corrcoef

    # Sparse
    to_sparse = sparse.to_sparse
    to_dense = sparse.to_dense
    coalesce = sparse.coalesce
    is_coalesced = sparse.is_coalesced
    indices = sparse.indices
    values = sparse.values
    sparse_dim = sparse.sparse_dim
    dense_dim = sparse.dense_dim
    _indices = sparse._indices
    _values = sparse._values
    _nnz = sparse._nnz

    # Operators (+ - * / and the sign are in operators.py)
    __rdiv__ = elementwise.rdiv
    __floordiv__ = elementwise.floor_divide
    __rfloordiv__ = elementwise.rfloor_divide
    __mod__ = elementwise.remainder
    __rmod__ = elementwise.rremainder
    __pow__ = transcendental.pow
    __rpow__ = transcendental.rpow
    __pos__ = elementwise.positive
    __abs__ = elementwise.abs
    __eq__ = comparison.operator(comparison.eq)
    __ne__ = comparison.operator(comparison.ne)
    __lt__ = comparison.operator(comparison.lt)
    __le__ = comparison.operator(comparison.le)
    __gt__ = comparison.operator(comparison.gt)
    __ge__ = comparison.operator(comparison.ge)
    __and__ = __rand__ = comparison.bitwise_and
    __or__ = __ror__ = comparison.bitwise_or
    __xor__ = __rxor__ = comparison.bitwise_xor
    __invert__ = comparison.bitwise_not
    __lshift__ = comparison.bitwise_left_shift
    __rlshift__ = comparison.rlshift
    __rshift__ = comparison.bitwise_right_shift
    __rrshift__ = comparison.rrshift
    __iadd__ = elementwise_inplace.add_
    __isub__ = elementwise_inplace.sub_
    __imul__ = elementwise_inplace.mul_
    __itruediv__ = elementwise_inplace.div_
    __ifloordiv__ = elementwise_inplace.floor_divide_
    __imod__ = elementwise_inplace.remainder_
    __ipow__ = elementwise_inplace.pow_
    __iand__ = elementwise_inplace.bitwise_and_
    __ior__ = elementwise_inplace.bitwise_or_
    __ixor__ = elementwise_inplace.bitwise_xor_
    __ilshift__ = elementwise_inplace.bitwise_left_shift_
    __irshift__ = elementwise_inplace.bitwise_right_shift_

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
    index_select = index_along.index_select
    index_add = index_along.index_add
    index_add_ = index_along.index_add_
    index_copy = index_along.index_copy
    index_copy_ = index_along.index_copy_
    index_fill = index_along.index_fill
    index_fill_ = index_along.index_fill_
    index_put = indexing.index_put
    index_put_ = indexing.index_put_
    index_reduce_ = index_reduce.index_reduce_
    index_reduce = index_reduce.index_reduce
    select_scatter = written_views.select_scatter
    slice_scatter = written_views.slice_scatter
    diagonal_scatter = written_views.diagonal_scatter
    as_strided_scatter = written_views.as_strided_scatter
    nonzero_static = positions.nonzero_static
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
    where = masking.where
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
    add_ = elementwise_inplace.add_
    sub_ = subtract_ = elementwise_inplace.sub_
    mul_ = multiply_ = elementwise_inplace.mul_
    div_ = divide_ = true_divide_ = elementwise_inplace.div_
    floor_divide_ = elementwise_inplace.floor_divide_
    remainder_ = elementwise_inplace.remainder_
    fmod_ = elementwise_inplace.fmod_
    gcd_ = elementwise_inplace.gcd_
    lcm_ = elementwise_inplace.lcm_
    nextafter_ = elementwise_inplace.nextafter_
    neg_ = negative_ = elementwise_inplace.neg_
    abs_ = absolute_ = elementwise_inplace.abs_
    sgn_ = elementwise_inplace.sgn_
    sign_ = elementwise_inplace.sign_
    square_ = elementwise_inplace.square_
    reciprocal_ = elementwise_inplace.reciprocal_
    clamp_ = clip_ = elementwise_inplace.clamp_
    clamp_min_ = elementwise_inplace.clamp_min_
    clamp_max_ = elementwise_inplace.clamp_max_
    lerp_ = elementwise_inplace.lerp_
    addcmul_ = elementwise_inplace.addcmul_
    addcdiv_ = elementwise_inplace.addcdiv_
    floor_ = elementwise_inplace.floor_
    ceil_ = elementwise_inplace.ceil_
    trunc_ = fix_ = elementwise_inplace.trunc_
    frac_ = elementwise_inplace.frac_
    copysign_ = elementwise_inplace.copysign_
    round_ = elementwise_inplace.round_
    heaviside_ = elementwise_inplace.heaviside_
    nan_to_num_ = elementwise_inplace.nan_to_num_
    pow_ = elementwise_inplace.pow_
    float_power_ = elementwise_inplace.float_power_
    ldexp_ = elementwise_inplace.ldexp_
    logit_ = elementwise_inplace.logit_
    sqrt_ = elementwise_inplace.sqrt_
    rsqrt_ = elementwise_inplace.rsqrt_
    exp_ = elementwise_inplace.exp_
    exp2_ = elementwise_inplace.exp2_
    expm1_ = elementwise_inplace.expm1_
    log_ = elementwise_inplace.log_
    log2_ = elementwise_inplace.log2_
    log10_ = elementwise_inplace.log10_
    log1p_ = elementwise_inplace.log1p_
    sigmoid_ = elementwise_inplace.sigmoid_
    xlogy_ = elementwise_inplace.xlogy_
    erf_ = elementwise_inplace.erf_
    erfc_ = elementwise_inplace.erfc_
    erfinv_ = elementwise_inplace.erfinv_
    digamma_ = elementwise_inplace.digamma_
    i0_ = elementwise_inplace.i0_
    igamma_ = elementwise_inplace.igamma_
    igammac_ = elementwise_inplace.igammac_
    lgamma_ = elementwise_inplace.lgamma_
    mvlgamma_ = elementwise_inplace.mvlgamma_
    polygamma_ = elementwise_inplace.polygamma_
    sin_ = elementwise_inplace.sin_
    cos_ = elementwise_inplace.cos_
    tan_ = elementwise_inplace.tan_
    asin_ = arcsin_ = elementwise_inplace.asin_
    acos_ = arccos_ = elementwise_inplace.acos_
    atan_ = arctan_ = elementwise_inplace.atan_
    atan2_ = arctan2_ = elementwise_inplace.atan2_
    hypot_ = elementwise_inplace.hypot_
    sinh_ = elementwise_inplace.sinh_
    cosh_ = elementwise_inplace.cosh_
    tanh_ = elementwise_inplace.tanh_
    asinh_ = arcsinh_ = elementwise_inplace.asinh_
    acosh_ = arccosh_ = elementwise_inplace.acosh_
    atanh_ = arctanh_ = elementwise_inplace.atanh_
    sinc_ = elementwise_inplace.sinc_
    deg2rad_ = elementwise_inplace.deg2rad_
    rad2deg_ = elementwise_inplace.rad2deg_
    eq_ = elementwise_inplace.eq_
    ne_ = not_equal_ = elementwise_inplace.ne_
    lt_ = less_ = elementwise_inplace.lt_
    le_ = less_equal_ = elementwise_inplace.le_
    gt_ = greater_ = elementwise_inplace.gt_
    ge_ = greater_equal_ = elementwise_inplace.ge_
    logical_and_ = elementwise_inplace.logical_and_
    logical_or_ = elementwise_inplace.logical_or_
    logical_xor_ = elementwise_inplace.logical_xor_
    logical_not_ = elementwise_inplace.logical_not_
    bitwise_and_ = elementwise_inplace.bitwise_and_
    bitwise_or_ = elementwise_inplace.bitwise_or_
    bitwise_xor_ = elementwise_inplace.bitwise_xor_
    bitwise_not_ = elementwise_inplace.bitwise_not_
    bitwise_left_shift_ = elementwise_inplace.bitwise_left_shift_
    bitwise_right_shift_ = elementwise_inplace.bitwise_right_shift_
    relu_ = elementwise_inplace.relu_

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
    narrow_copy = written_views.narrow_copy
    split_with_sizes = splitting.split_with_sizes
    unsafe_chunk = splitting.unsafe_chunk
    unsafe_split = splitting.unsafe_split
    unsafe_split_with_sizes = splitting.unsafe_split_with_sizes
    squeeze_ = inplace_shape.squeeze_
    unsqueeze_ = inplace_shape.unsqueeze_
    transpose_ = swapaxes_ = swapdims_ = inplace_shape.transpose_
    t_ = inplace_shape.t_
    resize_ = inplace_shape.resize_
    resize_as_ = inplace_shape.resize_as_
    select = views.select
    diagonal = diagonals.diagonal
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    triu = diagonals.triu
    triu_ = diagonals.triu_
    tril = diagonals.tril
    tril_ = diagonals.tril_
    fill_diagonal_ = diagonals.fill_diagonal_
    unfold = views.unfold
    unbind = splitting.unbind
    split = splitting.split
    chunk = splitting.chunk
    tensor_split = splitting.tensor_split
    vsplit = splitting.vsplit
    hsplit = splitting.hsplit
    dsplit = splitting.dsplit
