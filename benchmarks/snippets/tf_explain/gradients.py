"""Grad-CAM of the last convolution."""

import keras
from tf_explain.core.grad_cam import GradCAM

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
explainer = GradCAM()
grid = explainer.explain((image[None], None), model, class_index=0, layer_name="conv2d_4")
explainer.save(grid, ".", "grad_cam.png")
