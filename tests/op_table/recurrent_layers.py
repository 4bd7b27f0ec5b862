"""Rows of `airi/ops/recurrent_layers.py`."""

import numpy as np

from .row import Row, call, real


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _linear(x, weight, bias):
    return x @ weight.T + (0 if bias is None else bias)


def _lstm_step(x, hx, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None):
    h, c = hx
    i, f, g, o = np.split(_linear(x, w_ih, b_ih) + _linear(h, w_hh, b_hh), 4, 1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    h = _sigmoid(o) * np.tanh(c)
    return (h if w_hr is None else h @ w_hr.T), c


def _gru_step(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    of_x = np.split(_linear(x, w_ih, b_ih), 3, 1)
    of_h = np.split(_linear(h, w_hh, b_hh), 3, 1)
    r, z = _sigmoid(of_x[0] + of_h[0]), _sigmoid(of_x[1] + of_h[1])
    return (1 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h


def _tanh_step(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    return np.tanh(_linear(x, w_ih, b_ih) + _linear(h, w_hh, b_hh))


def _relu_step(x, h, w_ih, w_hh, b_ih=None, b_hh=None):
    return np.maximum(_linear(x, w_ih, b_ih) + _linear(h, w_hh, b_hh), 0)


def _over_sequences(step):
    """The layers in NumPy: each sequence by itself, step by step."""

    def layers(input, hx, params, biases, count, dropout, train, bidirectional, batch_first=False):
        x = np.swapaxes(input, 0, 1) if batch_first else input
        pair = isinstance(hx, (tuple, list))
        each = len(params) // (count * (1 + bidirectional))
        finals = []
        for layer in range(count):
            outs = []
            for direction in range(1 + bidirectional):
                at = layer * (1 + bidirectional) + direction
                weights = list(params[at * each : (at + 1) * each])
                if not biases:
                    weights[2:2] = [None, None]
                state = (hx[0][at], hx[1][at]) if pair else hx[at]
                out = []
                for now in x[::-1] if direction else x:
                    state = step(now, state, *weights)
                    out.append(state[0] if pair else state)
                outs.append(np.stack(out[::-1] if direction else out))
                finals.append(state if pair else (state,))
            x = np.concatenate(outs, -1)
        out = np.swapaxes(x, 0, 1) if batch_first else x
        return out, *(np.stack(each) for each in zip(*finals))

    return layers


def _params(rng, gates, inputs, hidden, biases, layers, directions, projected=0):
    params = []
    for layer in range(layers):
        for _ in range(directions):
            out = projected or hidden
            features = inputs if layer == 0 else out * directions
            params += [real(rng, gates * hidden, features) / 2, real(rng, gates * hidden, out) / 2]
            params += [real(rng, gates * hidden) for _ in range(2 * biases)]
            params += [real(rng, projected, hidden)] if projected else []
    return params


def _layer_samples(gates, pair):
    def samples(rng):
        def one(length, batch, layers=1, bidirectional=False, biases=True, first=False, proj=0):
            count = layers * (1 + bidirectional)
            x = real(rng, *((batch, length) if first else (length, batch)), 3)
            h = real(rng, count, batch, proj or 2)
            c = real(rng, count, batch, 2)
            hx = [h, c] if pair else h
            params = _params(rng, gates, 3, 2, biases, layers, 1 + bidirectional, proj)
            return call(x, hx, params, biases, layers, 0.0, True, bidirectional, first)

        yield one(3, 2)
        yield one(2, 3, layers=2, bidirectional=True, first=True)
        yield one(1, 1, biases=False)
        if pair:
            yield one(2, 2, layers=2, proj=1)

    return samples


def _cell_samples(gates, pair):
    def samples(rng):
        for biases in (True, False):
            hx = (real(rng, 3, 2), real(rng, 3, 2)) if pair else real(rng, 3, 2)
            yield call(real(rng, 3, 4), hx, *_params(rng, gates, 4, 2, biases, 1, 1))

    return samples


ROWS = [
    Row("lstm", _layer_samples(4, True), _over_sequences(_lstm_step), method=False),
    Row("gru", _layer_samples(3, False), _over_sequences(_gru_step), method=False),
    Row("rnn_tanh", _layer_samples(1, False), _over_sequences(_tanh_step), method=False),
    Row("rnn_relu", _layer_samples(1, False), _over_sequences(_relu_step), method=False),
    Row("lstm_cell", _cell_samples(4, True), _lstm_step, method=False),
    Row("gru_cell", _cell_samples(3, False), _gru_step, method=False),
    Row("rnn_tanh_cell", _cell_samples(1, False), _tanh_step, method=False),
    Row("rnn_relu_cell", _cell_samples(1, False), _relu_step, method=False),
]
