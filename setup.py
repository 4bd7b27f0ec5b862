"""Builds the compiled kernels; everything else about the package stands in setup.cfg.

The kernels are optional: where there is no C compiler the installation still succeeds, and airi
says on first use that it computes in plain NumPy.
"""

import os
import tempfile

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = "airi/ops/conv_ext"
HEADERS = [
    "airi/ops/conv_kernels.h",
    "airi/ops/conv_instructions.h",
    "airi/ops/conv_product.h",
    "airi/ops/conv_tile.h",
    "airi/ops/conv_undefine.h",
    "airi/ops/conv_weight.h",
    "airi/ops/conv_winograd.h",
    "airi/ops/conv_winograd_tile.h",
    "airi/ops/pool_kernels.h",
]
FUSED_HEADERS = [
    "airi/ops/fused_kernels.h",
    "airi/ops/fused_vectors.h",
    "airi/ops/wide_kernels.h",
    "airi/ops/row_kernels.h",
    "airi/ops/fused_table.h",
]
PRODUCT_HEADERS = [
    "airi/ops/attention_kernels.h",
    "airi/ops/fused_vectors.h",
    "airi/ops/instruction_sets.h",
    "airi/ops/lstm_kernels.h",
    "airi/ops/product_kernels.h",
    "airi/ops/product_of_set.h",
    "airi/ops/product_tile.h",
]


# The graph and the walk over it are Python with types beside it (*.pxd): compiled they are several
# times as fast. They include one another's C structs, so it is all of them or none.
CORE = [
    "airi.autograd.basics_ext",
    "airi.autograd.small_ext",
    "airi.autograd.mode",
    "airi.autograd.rule",
    "airi.autograd.graph",
    "airi.autograd.engine",
    "airi.ops.linear_ext",
    "airi.ops.operators",
]


CORE_HEADERS = ["airi/ops/narrow_products.h"]  # of linear_ext


class BuildKernels(build_ext):
    """build_ext with the flags that this compiler understands."""

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            optimise, openmp_flags = ["/O2", "/DNDEBUG"], ["/openmp"]
        else:
            # The kernels choose the instruction set when they run, so there is no -march here.
            optimise, openmp_flags = ["-O3", "-DNDEBUG"], ["-fopenmp"]
        openmp = openmp_flags if self._compiles_openmp(openmp_flags) else []
        for extension in self.extensions:
            extension.extra_compile_args += optimise + openmp
            if self.compiler.compiler_type != "msvc":
                extension.extra_link_args += openmp
        super().build_extensions()
        core = [self.get_ext_fullpath(name) for name in CORE]
        if not all(os.path.exists(path) for path in core):
            for path in filter(os.path.exists, core):
                os.remove(path)

    def _compiles_openmp(self, flags):
        """Whether a program with OpenMP compiles and links (the compiler of macOS has none)."""
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "openmp.c")
            with open(source, "w") as file:
                file.write("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }")
            try:
                objects = self.compiler.compile([source], folder, extra_postargs=flags)
                linking = [] if self.compiler.compiler_type == "msvc" else flags
                program = os.path.join(folder, "openmp")
                self.compiler.link_executable(objects, program, extra_postargs=linking)
            except Exception:  # whatever a compiler may raise: then there is no OpenMP
                return False
        return True


def extensions():
    try:
        from Cython.Build import cythonize
        from numpy import get_include
    except ImportError:  # building without isolation and without Cython or NumPy: no kernels
        return []
    kernels = Extension("airi.ops.conv_ext", [KERNELS + ".pyx"], depends=HEADERS, optional=True)
    erf = Extension(
        "airi.ops.erf_ext",
        ["airi/ops/erf_ext.pyx"],
        depends=["airi/ops/erf_kernels.h"],
        libraries=[] if os.name == "nt" else ["m"],
        optional=True,
    )
    recurrent = Extension(
        "airi.ops.recurrent_ext",
        ["airi/ops/recurrent_ext.pyx"],
        depends=["airi/ops/recurrent_kernels.h"],
        optional=True,
    )
    places = Extension(
        "airi.ops.places_ext",
        ["airi/ops/places_ext.pyx"],
        depends=["airi/ops/places_kernels.h", "airi/ops/places_loops.h"],
        optional=True,
    )
    updates = Extension(
        "airi.optim.update_ext",
        ["airi/optim/update_ext.pyx"],
        depends=["airi/optim/update_loops.h", "airi/optim/update_kernels.h"],
        # Without errno a square root is one instruction, and a loop of them is vectorised.
        extra_compile_args=[] if os.name == "nt" else ["-fno-math-errno"],
        libraries=[] if os.name == "nt" else ["m"],
        optional=True,
    )
    fused = Extension(
        "airi.ops.fused_ext",
        ["airi/ops/fused_ext.pyx"],
        depends=FUSED_HEADERS,
        libraries=[] if os.name == "nt" else ["m"],
        optional=True,
    )
    product = Extension(
        "airi.ops.product_ext",
        ["airi/ops/product_ext.pyx"],
        depends=PRODUCT_HEADERS,
        libraries=[] if os.name == "nt" else ["m"],
        optional=True,
    )
    memory = Extension(
        "airi.memory_ext",
        ["airi/memory_ext.pyx"],
        depends=["airi/memory_blocks.h"],
        include_dirs=[get_include()],
        define_macros=[
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
        ],
        optional=True,
    )
    every = [kernels, erf, recurrent, places, updates, fused, product, memory, *core(get_include())]
    # The annotations are for readers and type checkers; the types of C stand in the .pxd files.
    directives = {"language_level": "3", "annotation_typing": False, "auto_pickle": False}
    return cythonize(every, compiler_directives=directives)


def core(numpy_headers):
    return [
        Extension(
            name,
            [name.replace(".", "/") + (".pyx" if name.endswith("_ext") else ".py")],
            depends=[name.replace(".", "/") + ".pxd" for name in CORE] + CORE_HEADERS,
            include_dirs=[numpy_headers],
            optional=True,
        )
        for name in CORE
    ]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernels})
