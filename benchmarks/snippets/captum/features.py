"""Feature maps of each convolution, as pictures."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from captum.attr import LayerActivation
from PIL import Image

model = torch.load("model.pt", weights_only=False).eval()
pixels = np.asarray(Image.open("pneumonia.png").convert("RGB").resize((150, 150)), np.float32) / 255
image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
for number, layer in enumerate(model):
    if isinstance(layer, torch.nn.Conv2d):
        maps = LayerActivation(model, model[number + 1]).attribute(image)[0].detach()
        sheet = maps.unflatten(0, (-1, 8)).transpose(1, 2).flatten(2).flatten(0, 1)
        plt.imsave(f"layer{number}.png", sheet)
