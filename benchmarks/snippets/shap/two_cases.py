"""The maps of two cases below each other, on one scale."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import shap

model = keras.models.load_model("model.keras")
files = ("normal.png", "pneumonia.png")
images = np.stack([keras.utils.img_to_array(keras.utils.load_img(one, target_size=(150, 150))) / 255 for one in files])
explainer = shap.Explainer(model, shap.maskers.Image("blur(15,15)", images[0].shape))
shap.image_plot(explainer(images, max_evals=500, batch_size=50), show=False)
plt.savefig("shapley.png")
