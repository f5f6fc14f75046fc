"""Expected gradients against the normal case."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import shap

model = keras.models.load_model("model.keras")
files = ("normal.png", "pneumonia.png")
images = np.stack([keras.utils.img_to_array(keras.utils.load_img(one, target_size=(150, 150))) / 255 for one in files])
explainer = shap.GradientExplainer(model, images[:1])
shap.image_plot(explainer.shap_values(images[1:]), images[1:], show=False)
plt.savefig("gradients.png")
