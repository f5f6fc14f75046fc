"""Infidelity of the map: how well it foretells what small changes of the image do."""

import numpy as np
import torch
from captum.attr import Occlusion
from captum.metrics import infidelity
from PIL import Image

model = torch.load("model.pt", weights_only=False).eval()
pixels = np.asarray(Image.open("pneumonia.png").convert("RGB").resize((150, 150)), np.float32) / 255
image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
found = Occlusion(model).attribute(image, (3, 15, 15), strides=(3, 5, 5), perturbations_per_eval=50)


def disturb(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return noise, and the images with it taken away."""
    noise = torch.randn_like(inputs) * 0.03
    return noise, inputs - noise


print(infidelity(model, disturb, image, found, n_perturb_samples=100))
