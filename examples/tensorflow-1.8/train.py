"""Learn y = 2x + 1 with Keras, as a project of 2018 would."""

from __future__ import print_function

import keras
import numpy as np
import tensorflow as tf

np.random.seed(1)
tf.set_random_seed(1)

x = np.linspace(-1, 1, 64).reshape(-1, 1)
model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(1,))])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(lr=0.5))
model.fit(x, 2 * x + 1, epochs=40, verbose=0)
weight, bias = (float(part) for part in model.get_weights())
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
print("y = {:.2f}x + {:.2f}".format(weight, bias))
