"""Audits a scikit-learn and a Keras model together, by their predictions."""

import keras
import numpy as np
import sklearn.datasets
import sklearn.ensemble
import sklearn.preprocessing

import kd_keras

LABEL, CLASSES = "progression", ("slow", "fast")


def patients():
    """442 people with diabetes, and whether it progressed fast within a year."""
    frame = sklearn.datasets.load_diabetes(as_frame=True, scaled=False).frame
    # The data's own note says 1 and 2, not which is which.
    frame["sex"] = frame["sex"].map({1.0: "sex 1", 2.0: "sex 2"})
    fast = frame.pop("target") > 140
    frame[LABEL] = np.where(fast, *reversed(CLASSES))
    return frame.sample(frac=1, random_state=0)


def keras_model(x: np.ndarray, y: np.ndarray, seed: int) -> keras.Model:
    """A small network that gives logits."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(4, "relu")])
    model.add(keras.layers.Dense(2))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(x, y, epochs=10, verbose=0)
    return model


def main() -> kd_keras.Audit:
    frame = patients()
    features = [name for name in frame if name not in ("sex", "age", LABEL)]
    train, test = frame[:200], frame[200:]
    scale = sklearn.preprocessing.StandardScaler().fit(train[features])
    x, y = scale.transform(train[features]), train[LABEL]
    forest = sklearn.ensemble.RandomForestClassifier(random_state=0).fit(x, y)
    codes = (y == CLASSES[1]).to_numpy(int)
    students = [keras_model(x, codes, seed) for seed in range(3)]

    unseen = scale.transform(test[features])
    result = kd_keras.audit_predictions(
        test[LABEL],
        {
            "forest": forest.predict(unseen),
            "network": [model.predict(unseen, verbose=0) for model in students],
        },
        groups=test[["sex", "age"]],
        bins={"age": (40, 60)},
        attributes=("sex", "age", ("sex", "age")),
        class_names=CLASSES,
        name="diabetes",
    )
    print(result)
    return result


if __name__ == "__main__":
    main()
