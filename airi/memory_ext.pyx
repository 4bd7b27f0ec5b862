"""NumPy's arrays with the memory of ``memory_blocks.h``; `memory.py` is what users call."""

from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.string cimport strcpy

cdef extern from "numpy/arrayobject.h":
    int _import_array() except -1

    ctypedef struct PyDataMemAllocator:
        void *ctx
        void *(*malloc)(void *ctx, size_t size)
        void *(*calloc)(void *ctx, size_t count, size_t each)
        void *(*realloc)(void *ctx, void *elements, size_t size)
        void (*free)(void *ctx, void *elements, size_t size)

    ctypedef struct PyDataMem_Handler:
        char name[127]
        unsigned char version
        PyDataMemAllocator allocator

    object PyDataMem_SetHandler(object handler)
    object PyDataMem_GetHandler()
    PyObject *PyDataMem_DefaultHandler

cdef extern from "memory_blocks.h":
    ctypedef struct SmallArrays:
        void *context
        void *(*malloc)(void *context, size_t size)
        void *(*calloc)(void *context, size_t count, size_t each)
        void *(*realloc)(void *context, void *elements, size_t size)
        void (*free)(void *context, void *elements, size_t size)

    ctypedef struct MemoryState:
        size_t used_bytes, used_blocks, peak_bytes, kept_bytes, kept_blocks, reused, mapped, limit

    MemoryState memory_state
    SmallArrays small_arrays
    void *memory_malloc(void *context, size_t size) noexcept
    void *memory_calloc(void *context, size_t count, size_t each) noexcept
    void *memory_realloc(void *context, void *elements, size_t size) noexcept
    void memory_free(void *context, void *elements, size_t size) noexcept
    void lock_memory() nogil
    void unlock_memory() nogil
    void shrink_to(size_t limit) nogil
    void prepare_memory_for_fork()

cdef PyDataMem_Handler handler  # used by arrays to the very end of the process
cdef object capsule = None


cdef int prepare() except -1:
    global capsule
    default = <PyDataMem_Handler *>PyCapsule_GetPointer(
        <object>PyDataMem_DefaultHandler, "mem_handler"
    )
    small_arrays.context = default.allocator.ctx
    small_arrays.malloc = default.allocator.malloc
    small_arrays.calloc = default.allocator.calloc
    small_arrays.realloc = default.allocator.realloc
    small_arrays.free = default.allocator.free
    strcpy(handler.name, "airi")
    handler.version = 1
    handler.allocator.malloc = memory_malloc
    handler.allocator.calloc = memory_calloc
    handler.allocator.realloc = memory_realloc
    handler.allocator.free = memory_free
    capsule = PyCapsule_New(&handler, "mem_handler", NULL)
    prepare_memory_for_fork()
    return 0


_import_array()
prepare()


def install() -> bool:
    """Let arrays that this context makes from now on have this memory.

    Not where somebody else has set a handler; returns whether it is ours now.
    """
    current = PyDataMem_GetHandler()
    if <PyObject *>current == PyDataMem_DefaultHandler:
        PyDataMem_SetHandler(capsule)
        return True
    return current is capsule


def set_limit(size_t limit) -> None:
    """Keep at most so many bytes; what is more goes back to the system at once."""
    lock_memory()
    memory_state.limit = limit
    shrink_to(limit)
    unlock_memory()


def empty() -> None:
    """Give all that is kept back to the system."""
    lock_memory()
    shrink_to(0)
    unlock_memory()


def stats() -> dict[str, int]:
    lock_memory()
    cdef MemoryState now = memory_state
    unlock_memory()
    return {
        "used_bytes": now.used_bytes, "used_blocks": now.used_blocks,
        "kept_bytes": now.kept_bytes, "kept_blocks": now.kept_blocks,
        "peak_bytes": now.peak_bytes, "reused": now.reused, "mapped": now.mapped,
        "limit": now.limit,
    }
