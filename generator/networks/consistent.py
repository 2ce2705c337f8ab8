"""A level's generator whose images, shrunk, are exactly the images it was given.

Knows the projection; that the condition was enlarged by `exact_up` is the family's.
"""

from torch import Tensor, nn

from generator.pyramid import without_block_means


class Consistent(nn.Module):
    """low_pass (N, C, S, S), enlarged exactly from `coarser_size`; noise; labels  ->  finer image (N, C, S, S).

    Whatever the weights, `down(finer, coarser_size)` is the coarser image up to float32 rounding: the means of
    the band's blocks are taken out.
    """

    def __init__(self, generator: nn.Module, coarser_size: int) -> None:
        super().__init__()
        self.generator, self.coarser_size = generator, coarser_size

    def forward(self, low_pass: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        band = self.generator(low_pass, noise, labels) - low_pass
        # In full precision also under autocast: half a step of bfloat16 is half an 8-bit step.
        return low_pass.float() + without_block_means(band.float(), self.coarser_size)
