"""Shapley values of regions that are covered by blurring, from 500 evaluations."""

import keras
import matplotlib.pyplot as plt
import shap

model = keras.models.load_model("model.keras")
image = keras.utils.img_to_array(keras.utils.load_img("pneumonia.png", target_size=(150, 150))) / 255
explainer = shap.Explainer(model, shap.maskers.Image("blur(15,15)", image.shape))
shap.image_plot(explainer(image[None], max_evals=500, batch_size=50), show=False)
plt.savefig("shapley.png")
