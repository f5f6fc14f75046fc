"""The maps of two cases beside each other."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from xplique.attributions import Occlusion
from xplique.plots import plot_attributions

model = keras.models.load_model("model.keras")
files = ("normal.png", "pneumonia.png")
images = np.stack([keras.utils.img_to_array(keras.utils.load_img(one, target_size=(150, 150))) / 255 for one in files])
explainer = Occlusion(model, patch_size=15, patch_stride=5)
plot_attributions(explainer(images, np.ones((2, 1), np.float32)), images, cols=2)
plt.savefig("occlusion.png")
