"""The map of what covering each place changes."""

import keras
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
explainer = OcclusionSensitivity()
grid = explainer.explain((image[None], None), model, class_index=0, patch_size=15)
explainer.save(grid, ".", "occlusion.png")
