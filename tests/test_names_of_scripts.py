"""Names that PyTorch scripts use around the computation: devices, settings, storages, amp."""

import multiprocessing

import numpy as np
import pytest

import airi
from airi import nn, optim


def test_in_place_functions_are_the_methods():
    x = airi.tensor([-1.0, 2.0])
    assert airi.relu_(x) is x
    assert x.tolist() == [0.0, 2.0]
    assert airi.fill_(x, 3).tolist() == [3.0, 3.0]
    assert airi.vmap is airi.func.vmap


def test_storages_are_the_memory_that_views_share():
    x = airi.arange(6.0).reshape(2, 3)
    row = x[1]
    assert row.storage().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert row.storage().data_ptr() == x.data_ptr() != row.data_ptr()
    assert row.untyped_storage().nbytes() == 24
    assert len(x.T.storage()) == 6
    assert x.storage().dtype is airi.float32
    x.storage()[0] = 7
    assert x[0, 0].item() == 7
    assert airi.is_storage(x.storage())
    assert not airi.is_storage(x)
    assert row.is_set_to(x[1])
    assert not row.is_set_to(x[0])


def _double(x):
    x.mul_(2)


def test_shared_memory_is_shared_with_forked_processes():
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this platform cannot fork")
    x = airi.ones(3)
    assert not x.is_shared()
    assert x.share_memory_() is x
    assert x.is_shared()
    assert x[1:].is_shared()
    child = multiprocessing.get_context("fork").Process(target=_double, args=(x,))
    child.start()
    child.join()
    assert x.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="view"):
        airi.ones(3)[1:].share_memory_()
    assert nn.Linear(2, 2).share_memory().weight.is_shared()


def test_settings_are_kept():
    airi.use_deterministic_algorithms(True, warn_only=True)
    assert airi.are_deterministic_algorithms_enabled()
    assert airi.get_deterministic_debug_mode() == 1
    airi.set_deterministic_debug_mode("default")
    assert not airi.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="expected one of"):
        airi.set_deterministic_debug_mode("loud")
    airi.set_float32_matmul_precision("high")
    assert airi.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="expected one of"):
        airi.set_float32_matmul_precision("low")
    assert airi.get_float32_matmul_precision() == "high"
    airi.set_float32_matmul_precision("highest")
    airi.set_num_interop_threads(2)
    assert airi.get_num_interop_threads() == 2
    with pytest.raises(RuntimeError, match="positive"):
        airi.set_num_interop_threads(0)
    airi.set_default_device("cpu")
    assert airi.get_default_device() == airi.device("cpu")
    with pytest.raises(RuntimeError, match="there is no device"):
        airi.set_default_device("cuda")
    with airi.device("cpu"):
        assert airi.ones(1).is_cpu


def test_backends_have_their_switches():
    import airi.backends.cudnn as cudnn

    with cudnn.flags(enabled=False, benchmark=True):
        assert cudnn.benchmark
        assert not airi.backends.cudnn.enabled
    assert not cudnn.benchmark
    assert not airi.backends.cuda.matmul.allow_tf32
    airi.backends.cuda.enable_flash_sdp(False)
    assert not airi.backends.cuda.flash_sdp_enabled()
    airi.backends.cuda.enable_flash_sdp(True)
    assert airi.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    for each in (airi.backends.mps, airi.backends.mkl, airi.mps, airi.xpu, airi.accelerator):
        assert not each.is_available()


def test_what_needs_a_gpu_says_so():
    for call in (
        airi.cuda.current_device,
        airi.cuda.Stream,
        airi.cuda.get_device_properties,
        airi.ones(1).pin_memory,
        airi.accelerator.synchronize,
    ):
        with pytest.raises(RuntimeError, match="on the CPU"):
            call()
    assert airi.cuda.get_rng_state_all() == []


def test_compile_returns_the_function():
    def function(x):
        return x

    assert airi.compile(function, mode="max-autotune") is function
    assert airi.compile(dynamic=True)(function) is function
    with pytest.raises(TypeError, match="got int"):
        airi.compile(3)


def test_autocast_changes_nothing():
    x = airi.ones(2, 2)
    with airi.autocast("cpu", dtype=airi.float16), airi.cuda.amp.autocast():
        assert (x @ x).dtype is airi.float32
    assert airi.amp.autocast("cuda")(lambda: 3)() == 3
    with pytest.raises(RuntimeError, match="device_type"):
        airi.autocast("toaster")


def test_grad_scaler_leaves_out_steps_that_overflowed():
    x = airi.ones(2, requires_grad=True)
    sgd = optim.SGD([x], lr=1.0)
    scaler = airi.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
    scaler.scale((x * 0.25).sum()).backward()
    assert x.grad.tolist() == [2.0, 2.0]
    scaler.step(sgd)
    assert x.tolist() == [0.75, 0.75]
    scaler.update()
    assert scaler.get_scale() == 16.0
    x.grad.fill_(float("inf"))
    scaler.unscale_(sgd)
    with pytest.raises(RuntimeError, match="already called"):
        scaler.unscale_(sgd)
    assert scaler.step(sgd) is None
    assert x.tolist() == [0.75, 0.75]
    scaler.update()
    assert scaler.get_scale() == 8.0
    again = airi.amp.GradScaler("cpu")
    again.load_state_dict(scaler.state_dict())
    assert again.get_scale() == 8.0
    assert not airi.cuda.amp.GradScaler().is_enabled()
    assert airi.cuda.amp.GradScaler().scale(x) is x


def test_dlpack_shares_memory_with_numpy():
    array = np.zeros(3, np.float32)
    x = airi.from_dlpack(array)
    x.fill_(1)
    assert array.tolist() == [1.0, 1.0, 1.0]
    assert np.shares_memory(np.from_dlpack(x), array)
    with pytest.raises(TypeError, match="__dlpack__"):
        airi.from_dlpack([1.0])


def test_typename():
    assert airi.typename(airi.ones(1)).endswith("FloatTensor")
    assert airi.typename(3) == "int"
    assert airi.typename(nn.Linear(1, 1)) == "airi.nn.linear.Linear"
