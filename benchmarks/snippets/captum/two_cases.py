"""The maps of two cases beside each other."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from captum.attr import Occlusion
from captum.attr import visualization as viz
from PIL import Image

model = torch.load("model.pt", weights_only=False).eval()
figure, panels = plt.subplots(1, 2)
for panel, file in zip(panels, ("normal.png", "pneumonia.png"), strict=True):
    pixels = np.asarray(Image.open(file).convert("RGB").resize((150, 150)), np.float32) / 255
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    found = Occlusion(model).attribute(image, (3, 15, 15), strides=(3, 5, 5), perturbations_per_eval=50)
    options = {"sign": "all", "plt_fig_axis": (figure, panel), "use_pyplot": False}
    viz.visualize_image_attr(found[0].permute(1, 2, 0).numpy(), pixels, "blended_heat_map", **options)
figure.savefig("occlusion.png")
