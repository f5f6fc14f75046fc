"""The maps of two cases beside each other."""

import keras
import numpy as np
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

model = keras.models.load_model("model.keras")
files = ("normal.png", "pneumonia.png")
images = np.stack([keras.utils.img_to_array(keras.utils.load_img(one, target_size=(150, 150))) / 255 for one in files])
explainer = OcclusionSensitivity()
grid = explainer.explain((images, None), model, class_index=0, patch_size=15)
explainer.save(grid, ".", "occlusion.png")
