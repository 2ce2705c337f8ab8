"""Teaching all levels of a LAPGAN at once, after each was taught alone: fine-tuning through the whole chain.

A level taught alone has only ever seen true low-pass images, and meets drawn ones when samples are made. Here one
discriminator of whole images looks at the end of the chain, and its gradient runs back through every level. How
images are drawn is the family's.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from generator.adversarial import Condition, Losses, Pair
from generator.families.family import Shown
from generator.networks import KINDS, channels_last
from generator.networks.projected import ProjectedDiscriminator

if TYPE_CHECKING:
    from generator.families.lapgan import Config

PART = "joint"
# The discriminator is new and the levels are not: before it tells real from drawn its gradient would spoil them.
# They wait for so many steps, and reach their rate after as many again. Own measurement.
HEAD_START_STEPS = 300
# Weight of the gradient penalty. Much more, and the discriminator answers the same to every image.
PENALTY = 0.005


class JointTrainer(Pair):
    """Teaches a whole chain of levels.

    `drawn` gives images (N, C, S, S) with their graph, for N real ones and (labels,) or (); `sampled` those of keys
    and labels or None.
    """

    def __init__(
        self,
        model: nn.Module,
        config: "Config",
        drawn: Callable[[Tensor, Condition], Tensor],
        sampled: Callable[[Tensor, Tensor | None], Tensor],
    ) -> None:
        width = max(config.discriminator_widths)
        discriminator = KINDS[config.networks].image_discriminator(
            config.size_px, config.channels, width, config.classes, config.dropout
        )
        if config.projected:
            discriminator = ProjectedDiscriminator(discriminator, width, config.classes)
        super().__init__(model, channels_last(discriminator), config, PENALTY, config.penalty_every)
        self.classes, self.drawn, self.sampled = config.classes, drawn, sampled
        self.rates = dict(zip(("discriminator", "generator"), config.joint_rates, strict=True))

    def set_rates(self, factor: float) -> None:
        """Set the learning rates of the next step: the levels' is 0 during the head start, and then rises."""
        super().set_rates(factor)
        (levels,) = self.optimisers["generator"].param_groups
        levels["lr"] *= min(max(self.steps_done / HEAD_START_STEPS - 1, 0.0), 1.0)

    def step(self, images: Tensor, labels: Tensor | None) -> Losses:
        """One batch of full-size images (N, C, S, S) in [-1, 1], labels (N,) with classes; the losses."""
        told = () if not self.classes or labels is None else (labels,)
        real = images.contiguous(memory_format=torch.channels_last)
        return self.learn(real, told, lambda: self.drawn(real, told))

    def shown(self, images: Tensor, labels: Tensor | None, keys: Tensor) -> Shown:
        """The images (N, C, S, S), and what the whole chain draws with the noise of keys (N,)."""
        told = labels if self.classes else None
        return Shown(images, self.sampled(keys, told), is_told_the_image=False)
