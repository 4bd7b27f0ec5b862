"""Builds the compiled kernels; everything else about the package stands in setup.cfg.

The kernels are optional: where there is no C compiler the installation still succeeds, and airi
says on first use that it computes in plain NumPy.
"""

import os
import tempfile
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# The kernels, and the headers beside each that it includes.
KERNELS = {
    "airi.memory_ext": ["memory_blocks.h"],
    "airi.ops.conv_ext": [
        "conv_instructions.h",
        "conv_kernels.h",
        "conv_product.h",
        "conv_tile.h",
        "conv_undefine.h",
        "conv_weight.h",
        "conv_winograd.h",
        "conv_winograd_tile.h",
        "pool_kernels.h",
    ],
    "airi.ops.erf_ext": ["erf_kernels.h"],
    "airi.ops.places_ext": ["places_kernels.h", "places_loops.h"],
    "airi.ops.product_ext": [
        "attention_kernels.h",
        "fused_vectors.h",
        "instruction_sets.h",
        "lstm_kernels.h",
        "product_kernels.h",
        "product_of_set.h",
        "product_tile.h",
    ],
    "airi.ops.recurrent_ext": ["recurrent_kernels.h"],
    "airi.optim.update_ext": ["update_kernels.h", "update_loops.h"],
}

# The graph and the walk over it are Python with types beside it (*.pxd): compiled they are several
# times as fast. They include one another's C structs, so it is all of them or none.
CORE = {
    "airi.autograd.basics_ext": [],
    "airi.autograd.small_ext": [],
    "airi.autograd.mode": [],
    "airi.autograd.rule": [],
    "airi.autograd.graph": [],
    "airi.autograd.engine": [],
    "airi.ops.fused_ext": [
        "fused_kernels.h",
        "fused_table.h",
        "fused_vectors.h",
        "group_kernels.h",
        "instruction_sets.h",
        "row_kernels.h",
        "wide_kernels.h",
    ],
    "airi.ops.linear_ext": ["instruction_sets.h", "narrow_products.h"],
    "airi.ops.operators": [],
}

OPTIONS = {
    "airi.memory_ext": {
        "define_macros": [
            ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
        ],
    },
    # Without errno a square root is one instruction, and a loop of them is vectorised.
    "airi.optim.update_ext": {
        "extra_compile_args": [] if os.name == "nt" else ["-fno-math-errno"],
    },
}


class BuildKernels(build_ext):
    """build_ext with the flags that this compiler understands."""

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            optimise, openmp_flags = ["/O2", "/DNDEBUG"], ["/openmp"]
        else:
            # The kernels choose the instruction set when they run, so there is no -march here.
            # Python's own flags ask for debugging symbols, which are half of what is installed.
            optimise, openmp_flags = ["-O3", "-DNDEBUG", "-g0"], ["-fopenmp"]
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
    every = [extension(name, get_include()) for name in [*KERNELS, *CORE]]
    # The annotations are for readers and type checkers; the types of C stand in the .pxd files.
    directives = {"language_level": "3", "annotation_typing": False, "auto_pickle": False}
    return cythonize(every, compiler_directives=directives)


def extension(name, numpy_headers):
    """A kernel from its .pyx file, a module of the core that is no kernel from its .py file."""
    path = name.replace(".", "/")
    headers = KERNELS[name] if name in KERNELS else CORE[name]
    depends = [f"{os.path.dirname(path)}/{header}" for header in headers]
    if name in CORE:
        depends += glob("airi/*/*.pxd")
    return Extension(
        name,
        [path + (".pyx" if name.endswith("_ext") else ".py")],
        depends=depends,
        include_dirs=[numpy_headers],
        libraries=[] if os.name == "nt" else ["m"],
        optional=True,
        **OPTIONS.get(name, {}),
    )


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernels})
