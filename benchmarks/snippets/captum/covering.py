"""The map of what covering each place changes."""

import numpy as np
import torch
from captum.attr import Occlusion
from captum.attr import visualization as viz
from PIL import Image

model = torch.load("model.pt", weights_only=False).eval()
pixels = np.asarray(Image.open("pneumonia.png").convert("RGB").resize((150, 150)), np.float32) / 255
image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
found = Occlusion(model).attribute(image, (3, 15, 15), strides=(3, 5, 5), perturbations_per_eval=50)
shown = found[0].permute(1, 2, 0).numpy()
figure, _ = viz.visualize_image_attr(shown, pixels, "blended_heat_map", sign="all", use_pyplot=False)
figure.savefig("occlusion.png")
