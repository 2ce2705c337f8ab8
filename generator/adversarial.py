"""One adversarial training step, the same for every family.

A discriminator is called as `discriminator(images, *condition)` and answers one score an image, high for
real. The condition is whatever both networks are told: nothing for a plain GAN, the low-pass image for a
level of a LAPGAN, and the class besides for a conditional one. Losses are non-saturating (Goodfellow 2014);
R1 is the gradient penalty on real images (Mescheder 2018, arXiv:1801.04406), applied lazily (Karras 2020,
arXiv:1912.04958).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from generator.device import precision_of
from generator.networks.pixel_scale import share_pixels
from generator.networks.projected import ProjectedDiscriminator
from generator.optimisers import Teaching, optimiser_of

Condition = tuple[Tensor, ...]
Losses = dict[str, Tensor]


class Pair:
    """A generator and the discriminator that teaches it. `steps_done` is counted by whoever calls `learn`.

    `l2_weight` is for generators told enough to be near the real image itself: the weight of the mean squared
    error beside the adversarial loss, the sum of two losses as in Isola et al. 2017 (pix2pix, arXiv:1611.07004).
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        teaching: Teaching,
        penalty: float,
        penalty_every: int,
        l2_weight: float = 0.0,
    ) -> None:
        device = next(generator.parameters()).device
        discriminator.to(device)
        share_pixels(generator, discriminator)
        self.in_bfloat16 = precision_of(device) == torch.bfloat16
        self.networks: dict[str, nn.Module] = {"generator": generator, "discriminator": discriminator}
        self.optimisers = {name: optimiser_of(network, teaching) for name, network in self.networks.items()}
        self.penalty, self.penalty_every = penalty * penalty_every, penalty_every
        self.penalised = discriminator
        if isinstance(discriminator, ProjectedDiscriminator):
            # The classifier is as smooth as it is; and the loss is the mean over all scores, of which this is one.
            self.penalised = discriminator.of_pixels
            self.penalty /= discriminator.scores
        self.l2_weight = l2_weight
        self.rates = dict.fromkeys(self.networks, teaching.learning_rate)
        self.steps_done = 0

    def set_rates(self, factor: float) -> None:
        """Set the learning rates of the next step: factor times those of the recipe."""
        for name, optimiser in self.optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = factor * self.rates[name]

    def learn(self, real: Tensor, condition: Condition, drawn: Callable[[], Tensor]) -> Losses:
        """One batch, real (N, C, S, S) in [-1, 1] against what `drawn` gives; the losses of both networks."""
        discriminator, optimisers = self.networks["discriminator"], self.optimisers
        with torch.autocast(real.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            fake = drawn()
            d_loss = discriminator_step(discriminator, optimisers["discriminator"], real, fake, condition)
            l2 = (fake.float() - real).square().mean() if self.l2_weight else None
            beside = None if l2 is None else self.l2_weight * l2
            g_loss = generator_step(discriminator, optimisers["generator"], fake, condition, beside)
        losses = {"discriminator": d_loss, "generator": g_loss}
        if l2 is not None:
            losses["l2"] = l2.detach()
        if self.penalty and self.steps_done % self.penalty_every == 0:
            losses["penalty"] = gradient_penalty_step(
                self.penalised, optimisers["discriminator"], real, condition, self.penalty
            )
        return losses


def discriminator_step(
    discriminator: nn.Module, optimiser: Optimizer, real: Tensor, fake: Tensor, condition: Condition
) -> Tensor:
    """Teach the discriminator one batch; the mean loss. The generator gets no gradient: fake is detached.

    Real and drawn images are scored in one call, which costs less than two. So a discriminator may hold no batch norm,
    which would tell them apart by their batch.
    """
    optimiser.zero_grad(set_to_none=True)
    told_twice = (torch.cat([told, told]) for told in condition)
    on_real, on_fake = discriminator(torch.cat([real, fake.detach()]), *told_twice).chunk(2)
    loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
    loss.backward()
    optimiser.step()
    return loss.detach()


def generator_step(
    discriminator: nn.Module,
    optimiser: Optimizer,
    fake: Tensor,
    condition: Condition,
    beside: Tensor | None = None,
) -> Tensor:
    """Teach the generator that drew `fake` (with its graph); the mean loss. The discriminator stays as is.

    `beside` is another loss of `fake` that is added to it, and not told.
    """
    optimiser.zero_grad(set_to_none=True)
    discriminator.requires_grad_(False)
    try:
        loss = F.softplus(-discriminator(fake, *condition)).mean()
        (loss if beside is None else loss + beside).backward()
    finally:
        discriminator.requires_grad_(True)
    optimiser.step()
    return loss.detach()


def gradient_penalty_step(
    discriminator: nn.Module, optimiser: Optimizer, real: Tensor, condition: Condition, weight: float
) -> Tensor:
    """Push the discriminator's gradient at real images towards zero; the mean squared gradient norm.

    In float32 whatever the caller's autocast: squared gradients of bfloat16 lose their small terms.
    """
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(real.device.type, enabled=False):
        at = real.detach().float().requires_grad_(True)
        # Not the call, which may be compiled: what is compiled can be differentiated once only.
        scores = discriminator.forward(at, *condition).sum()
        (gradient,) = torch.autograd.grad(scores, at, create_graph=True)
        penalty = gradient.square().flatten(1).sum(1).mean()
        (penalty * weight / 2).backward()
    optimiser.step()
    return penalty.detach()
