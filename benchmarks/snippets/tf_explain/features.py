"""Feature maps of each convolution, as pictures."""

import keras
from tf_explain.core.activations import ExtractActivations

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
explainer = ExtractActivations()
for layer in model.layers:
    if isinstance(layer, keras.layers.Conv2D):
        grid = explainer.explain((image[None], None), model, layer.name)
        explainer.save(grid, "figures", f"{layer.name}.png")
