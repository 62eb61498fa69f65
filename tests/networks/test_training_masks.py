"""Random masks: their laws are in test_orderless.py; here the kernel that draws them."""

import torch

from chainrule.networks.training_masks import chosen
from chainrule.ops.cells import cpu
from chainrule.rng import generator_from


def test_the_kernel_chooses_as_the_plain_loop_does():
    generator = generator_from(0)
    for columns, rows in ((1, 3), (7, 64), (20, 130)):
        uniforms = torch.rand(columns, rows, generator=generator)
        observed = (torch.rand(columns, rows, generator=generator) < 0.7).float()
        count = (observed.sum(0) * torch.rand(rows, generator=generator)).round()
        found = cpu.chosen(uniforms, observed, count)
        assert torch.equal(found, chosen(uniforms, observed, count))
        assert torch.equal(found.sum(0), count)
        assert bool((found <= observed).all())
        more = cpu.chosen(uniforms, observed, (count + 1).minimum(observed.sum(0)))
        assert bool((more >= found).all())
