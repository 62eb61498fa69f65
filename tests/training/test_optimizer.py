"""AdamW without the compiler: the same numbers, and the compiler stays out of the process."""

import subprocess
import sys

import torch

from chainrule.rng import generator_from
from chainrule.training.optimizer import AdamW

FIT_AND_SCORE = """
import sys, numpy as np, chainrule as cr
rows = np.random.default_rng(0).integers(0, 2, (60, 4))
config = cr.FitConfig(epochs=2, hidden_size=8)
for network in ("orderless", "nade"):
    density = cr.fit(rows, network=network, seed=0, config=config, verbose=False, checkpoint="c")
    density.save(f"{network}.chainrule")
    cr.load(f"{network}.chainrule").log_prob(rows)
assert "torch" in sys.modules
print("torch._dynamo" in sys.modules)
"""


def test_steps_and_states_are_those_of_the_library():
    generator, results = generator_from(0), []
    first = [torch.randn(5, 3, generator=generator), torch.randn(3, generator=generator)]
    gradients = [[torch.randn(t.shape, generator=generator) for t in first] for _ in range(4)]
    for kind in (AdamW, torch.optim.AdamW):
        tensors = [t.clone().requires_grad_() for t in first]
        optimizer = kind([{"params": tensors, "weight_decay": 0.1}], lr=0.01, fused=True)
        for number, step in enumerate(gradients):
            for tensor, gradient in zip(tensors, step, strict=True):
                tensor.grad = gradient.clone()
            optimizer.step()
            if number == 1:  # as after an interruption
                state = optimizer.state_dict()
                optimizer = kind([{"params": tensors, "weight_decay": 0.1}], lr=0.5, fused=True)
                optimizer.load_state_dict(state)
        results.append(tensors)
        assert all(tensor.requires_grad for tensor in tensors)
    for ours, theirs in zip(*results, strict=True):
        assert torch.equal(ours, theirs)


def test_a_fit_does_not_import_the_compiler(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FIT_AND_SCORE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_steps_of_a_factor_are_those_of_a_network_whose_inputs_are_multiplied():
    generator, factor = generator_from(0), torch.tensor([[1.0], [8.0], [2.0]])
    inputs = torch.randn(4, 5, 3, generator=generator)
    first = torch.randn(3, 2, generator=generator)
    plain, scaled = first.clone().requires_grad_(), (first * factor).requires_grad_()
    options = {"lr": 0.01, "weight_decay": 0.1, "eps": 0.0, "fused": True}
    of_plain, of_scaled = (
        AdamW([plain], **options),
        AdamW([scaled], steps=[(scaled, factor)], **options),
    )
    for x in inputs:
        plain.grad = torch.autograd.grad(((x * factor.t()) @ plain).square().sum(), plain)[0]
        scaled.grad = torch.autograd.grad((x @ scaled).square().sum(), scaled)[0]
        of_plain.step()
        of_scaled.step()
    torch.testing.assert_close(plain * factor, scaled)
    assert not torch.allclose(scaled, first * factor, atol=1e-3)


def test_a_decay_for_each_number_is_that_of_parameters_apart():
    generator, options = generator_from(0), {"lr": 0.02, "fused": True}
    first = torch.randn(6, 4, generator=generator)
    decays = torch.tensor([0.1, 2.0]).repeat_interleave(3)[:, None]
    whole = first.clone().requires_grad_()
    parts = [each.clone().requires_grad_() for each in first.split(3)]
    groups = [
        {"params": [part], "weight_decay": d} for part, d in zip(parts, (0.1, 2.0), strict=True)
    ]
    apart = torch.optim.AdamW(groups, **options)
    together = AdamW([whole], weight_decay=0.0, decays=[(whole, decays)], **options)
    for rate in (0.02, 0.01, 0.05):
        whole.grad = torch.randn(6, 4, generator=generator)
        for part, gradient in zip(parts, whole.grad.split(3), strict=True):
            part.grad = gradient.clone()
        for optimizer in (apart, together):
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
    torch.testing.assert_close(whole, torch.cat(parts))
    assert not torch.allclose(whole[3:], first[3:], atol=0.1)
