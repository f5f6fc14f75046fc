"""Grad-CAM of the last convolution."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from xplique.attributions import GradCAM
from xplique.plots import plot_attributions

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
explainer = GradCAM(model)
plot_attributions(explainer(image[None], np.ones((1, 1), np.float32)), image[None])
plt.savefig("grad_cam.png")
