"""Grad-CAM of the last convolution."""

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from captum.attr import visualization as viz
from PIL import Image

model = torch.load("model.pt", weights_only=False).eval()
pixels = np.asarray(Image.open("pneumonia.png").convert("RGB").resize((150, 150)), np.float32) / 255
image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
last = [layer for layer in model if isinstance(layer, torch.nn.Conv2d)][-1]
found = LayerAttribution.interpolate(LayerGradCam(model, last).attribute(image), (150, 150))
shown = found[0].permute(1, 2, 0).detach().numpy()
figure, _ = viz.visualize_image_attr(shown, pixels, "blended_heat_map", sign="all", use_pyplot=False)
figure.savefig("grad_cam.png")
