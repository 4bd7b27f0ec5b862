/* Memory of large arrays that is kept for the next array of about that size.
 *
 * The idea
 * --------
 * The system hands out a large piece of memory as a promise: only when a page of it is first
 * written does it find one and clear it. For an array of some megabytes that takes longer than
 * most arithmetic on it, and a training step makes the same arrays over and over. So a piece that
 * an array gives back is kept here, its pages with it, and the next array of its size gets it.
 *
 *     block:   | header, 64 bytes | the array's elements ...                  | unused |
 *              ^ start of a page  ^ the address that NumPy knows
 *
 * Sizes are rounded up to one of eight steps between two powers of two, and blocks of one size
 * wait in a stack: the one that was used last is the likeliest to be in the processor's cache. All
 * that wait are also in one queue by age; when they are more than the limit, the oldest go back
 * to the system.
 *
 * Whose memory is it?
 * -------------------
 * Arrays below LEAST_BYTES are left to NumPy's own allocator, so `release` must tell whose an
 * address is. It does not believe the size that it is told (that of an empty array is no use), but
 * looks at the address: blocks start a page, so an element address 64 bytes into a page may be
 * ours, and then the header in front of it has a mark made of its own address.
 *
 * All functions may be called by several threads, and in a forked child.
 */

#ifndef AIRI_MEMORY_BLOCKS_H
#define AIRI_MEMORY_BLOCKS_H

#ifdef _WIN32
#error "mmap is needed; without this extension NumPy's allocator is used alone"
#endif

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define LEAST_BYTES ((size_t)64 * 1024)
#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 * 1024 * 1024)
#define STEPS 8 /* sizes between one power of two and the next */
#define SIZES (64 * STEPS + 1)

typedef struct Block {
    struct Block *below;           /* in the stack of its size */
    struct Block *above;
    struct Block *older, *younger; /* in the queue of all that wait */
    size_t bytes;                  /* of the whole block, header included */
    uint64_t mark;
    char unused[16];
} Block; /* 64 bytes, so that elements are aligned to a cache line */

typedef struct {
    size_t used_bytes, used_blocks, peak_bytes; /* in arrays; peak: with what waited */
    size_t kept_bytes, kept_blocks;             /* waiting */
    size_t reused, mapped;                      /* requests served by a kept block, by the system */
    size_t limit;                               /* of kept_bytes */
} MemoryState;

static MemoryState memory_state;
static Block *stacks[SIZES];
static Block *oldest, *youngest;
static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_memory(void) { pthread_mutex_lock(&memory_lock); }
static void unlock_memory(void) { pthread_mutex_unlock(&memory_lock); }

static uint64_t mark_of(const Block *block)
{
    return (uint64_t)(uintptr_t)block ^ UINT64_C(0x616972692d6d656d); /* "airi-mem" */
}

static Block *block_of(void *elements)
{
    if (((uintptr_t)elements & (PAGE - 1)) != sizeof(Block))
        return NULL;
    Block *block = (Block *)elements - 1;
    return block->mark == mark_of(block) ? block : NULL;
}

/* The number of the size that holds so many bytes, and that size. */
static int size_number(size_t bytes, size_t *rounded)
{
    int power = 63 - __builtin_clzll((unsigned long long)bytes);
    size_t step = ((size_t)1 << power) / STEPS;
    size_t steps = (bytes + step - 1) / step; /* STEPS to 2 * STEPS */
    *rounded = steps * step;
    return power * STEPS + (int)(steps - STEPS);
}

static Block *map_block(size_t bytes)
{
    size_t slack = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
    char *start = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    if (slack) { /* start at a huge page: one page fault in the place of 512 */
        size_t before = (size_t)(-(uintptr_t)start & (HUGE_PAGE - 1));
        if (before)
            munmap(start, before);
        if (slack - before)
            munmap(start + before + bytes, slack - before);
        start += before;
#ifdef MADV_HUGEPAGE
        madvise(start, bytes, MADV_HUGEPAGE);
#endif
    }
    Block *block = (Block *)start;
    block->bytes = bytes;
    block->mark = mark_of(block);
    return block;
}

static void take_out(Block *block)
{
    size_t rounded;
    if (block->above)
        block->above->below = block->below;
    else
        stacks[size_number(block->bytes, &rounded)] = block->below;
    if (block->below)
        block->below->above = block->above;
    *(block->older ? &block->older->younger : &oldest) = block->younger;
    *(block->younger ? &block->younger->older : &youngest) = block->older;
    memory_state.kept_bytes -= block->bytes;
    memory_state.kept_blocks--;
}

static void put_in(Block *block)
{
    size_t rounded;
    Block **stack = &stacks[size_number(block->bytes, &rounded)];
    block->above = NULL;
    block->below = *stack;
    if (*stack)
        (*stack)->above = block;
    *stack = block;
    block->younger = NULL;
    block->older = youngest;
    *(youngest ? &youngest->younger : &oldest) = block;
    youngest = block;
    memory_state.kept_bytes += block->bytes;
    memory_state.kept_blocks++;
}

/* Give the oldest blocks back to the system until `limit` bytes are left. */
static void shrink_to(size_t limit)
{
    while (memory_state.kept_bytes > limit) {
        Block *block = oldest;
        take_out(block);
        munmap(block, block->bytes);
    }
}

/* Memory for so many bytes of elements, or NULL; `zeroed`: all 0. */
static void *obtain(size_t bytes, int zeroed)
{
    size_t rounded;
    if (bytes > PTRDIFF_MAX / 2)
        return NULL;
    int size = size_number(bytes + sizeof(Block), &rounded);
    lock_memory();
    Block *block = stacks[size];
    if (block) {
        take_out(block);
        memory_state.reused++;
        memory_state.used_bytes += rounded;
        memory_state.used_blocks++;
    }
    unlock_memory();
    if (block) {
        if (zeroed)
            memset(block + 1, 0, bytes);
        return block + 1;
    }
    block = map_block(rounded);
    if (!block) { /* what is kept may be what is missing */
        lock_memory();
        shrink_to(0);
        unlock_memory();
        block = map_block(rounded);
        if (!block)
            return NULL;
    }
    lock_memory();
    memory_state.mapped++;
    memory_state.used_bytes += rounded;
    memory_state.used_blocks++;
    size_t all = memory_state.used_bytes + memory_state.kept_bytes;
    if (all > memory_state.peak_bytes)
        memory_state.peak_bytes = all;
    unlock_memory();
    return block + 1;
}

static void release(Block *block)
{
    lock_memory();
    memory_state.used_bytes -= block->bytes;
    memory_state.used_blocks--;
    int keep = block->bytes <= memory_state.limit;
    if (keep) {
        put_in(block);
        shrink_to(memory_state.limit);
    }
    unlock_memory();
    if (!keep)
        munmap(block, block->bytes);
}

/* ---- what NumPy calls (its enhancement proposal 49) ------------------------------------------ */

/* NumPy's own allocator, for small arrays. */
typedef struct {
    void *context;
    void *(*malloc)(void *context, size_t bytes);
    void *(*calloc)(void *context, size_t count, size_t each);
    void *(*realloc)(void *context, void *elements, size_t bytes);
    void (*free)(void *context, void *elements, size_t bytes);
} SmallArrays;

static SmallArrays small_arrays;

static void *memory_malloc(void *context, size_t bytes)
{
    (void)context;
    void *found = bytes < LEAST_BYTES || !memory_state.limit ? NULL : obtain(bytes, 0);
    return found ? found : small_arrays.malloc(small_arrays.context, bytes);
}

static void *memory_calloc(void *context, size_t count, size_t each)
{
    (void)context;
    void *found = NULL;
    if (each && count <= PTRDIFF_MAX / each && count * each >= LEAST_BYTES && memory_state.limit)
        found = obtain(count * each, 1);
    return found ? found : small_arrays.calloc(small_arrays.context, count, each);
}

static void memory_free(void *context, void *elements, size_t bytes)
{
    (void)context;
    Block *block = block_of(elements);
    if (block)
        release(block);
    else
        small_arrays.free(small_arrays.context, elements, bytes);
}

static void *memory_realloc(void *context, void *elements, size_t bytes)
{
    Block *block = elements ? block_of(elements) : NULL;
    if (!block)
        return small_arrays.realloc(small_arrays.context, elements, bytes);
    size_t room = block->bytes - sizeof(Block);
    if (bytes <= room && bytes >= room / 2)
        return elements;
    void *moved = memory_malloc(context, bytes);
    if (moved) {
        memcpy(moved, elements, bytes < room ? bytes : room);
        release(block);
    }
    return moved;
}

static void prepare_memory_for_fork(void)
{
    pthread_atfork(lock_memory, unlock_memory, unlock_memory);
}

#endif /* AIRI_MEMORY_BLOCKS_H */
