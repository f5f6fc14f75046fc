"""Feature maps of each convolution, as pictures; it needs Keras 2."""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import keract
from tensorflow import keras

model = keras.models.load_model("keras2.h5", compile=False)
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
keract.display_activations(keract.get_activations(model, image[None], names), save=True, directory="figures")
