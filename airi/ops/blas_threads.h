/* OpenBLAS's parallel work on the threads of our own kernels.
 *
 * OpenBLAS keeps threads of its own, which spin for some 25 ms after each call while they wait for
 * the next one. On the same processors a convolution that follows takes twice as long, and OpenMP's
 * waiting threads do the same to OpenBLAS. OpenBLAS can hand its work to a function instead
 * (openblas_set_threads_callback_function); this one runs it on the OpenMP threads, so that there
 * is only one set of threads. airi/threads.py puts it in place when AIRI_SHARE_THREADS=1.
 */

#ifndef AIRI_BLAS_THREADS_H
#define AIRI_BLAS_THREADS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>

static omp_lock_t blas_lock;

/* Do jobs 0 ... count - 1 at the same time: the jobs of a matrix product wait for each other, so
 * each one must have a thread. Job numbers also choose OpenBLAS's buffers, so that two callers must
 * take turns. */
static void run_blas_jobs(int wait, void (*job)(int, void *, int), int count, size_t job_size,
                          void *jobs, int argument)
{
    (void)wait;
    omp_set_lock(&blas_lock);
    int dynamic = omp_get_dynamic(), levels = omp_get_max_active_levels();
    omp_set_dynamic(0);
    if (levels <= omp_get_active_level())
        omp_set_max_active_levels(omp_get_active_level() + 1);
#pragma omp parallel num_threads(count)
    {
        int threads = omp_get_num_threads();
        for (int i = omp_get_thread_num(); i < count; i += threads)
            job(i, (char *)jobs + job_size * (size_t)i, argument);
    }
    omp_set_max_active_levels(levels);
    omp_set_dynamic(dynamic);
    omp_unset_lock(&blas_lock);
}
#endif

/* The address of run_blas_jobs, or 0 when it could not have a thread for each job. */
static uintptr_t blas_jobs_address(void)
{
#ifdef _OPENMP
    static int ready = 0;
    if (omp_get_thread_limit() < INT_MAX)
        return 0;
    if (!ready)
        omp_init_lock(&blas_lock);
    ready = 1;
    return (uintptr_t)&run_blas_jobs;
#else
    return 0;
#endif
}

#endif /* AIRI_BLAS_THREADS_H */
