"""One model of Adult in seven forms, and audits of predictions, against Fairlearn."""

import fairlearn.metrics
import keras
import numpy as np
import official
import pandas as pd
import pytest
import sklearn.linear_model
import sklearn.metrics
import sklearn.pipeline
import sklearn.preprocessing
import sklearn.tree

import kd_keras
from kd_keras.export import save_model

NUMBERS = ["age", "education_num", "capital_gain", "hours_per_week"]
CLASSES = ("<=50K", ">50K")
DPD, EOD = "demographic_parity_difference", "equalized_odds_difference"
CROSSING = ("sex", "race")


def made():
    """People with the columns of Adult, whose income depends on age, sex and race."""
    rng = np.random.default_rng(0)
    rows = 900
    frame = pd.DataFrame({name: rng.normal(size=rows) for name in NUMBERS})
    frame["age"] = rng.integers(17, 80, rows)
    frame["sex"] = rng.choice(["Female", "Male"], rows)
    frame["race"] = rng.choice(["White", "Black", "Other"], rows, p=[0.6, 0.3, 0.1])
    odds = (
        frame["age"] / 20 - 2.5 + (frame["sex"] == "Male") - (frame["race"] == "Black")
    )
    rich = rng.random(rows) < 1 / (1 + np.exp(-odds))
    frame["income"] = np.array(CLASSES)[rich.astype(np.int64)]
    return frame, frame


def adult():
    return tuple(
        pd.read_csv(
            official.shared("adult", f"adult_{split}.csv.gz"), na_values="?"
        ).rename(columns=lambda name: name.replace("-", "_"))
        for split in ("train", "test")
    )


@pytest.fixture(scope="module", params=[made, adult], ids=["made", "adult"])
def people(request):
    """The test split, the inputs and a fitted logistic regression."""
    train, test = request.param()
    scale = sklearn.preprocessing.StandardScaler().fit(train[NUMBERS])
    fitted = sklearn.linear_model.LogisticRegression(max_iter=1000)
    fitted.fit(scale.transform(train[NUMBERS]), train["income"])
    test = test.reset_index(drop=True)
    x = pd.DataFrame(scale.transform(test[NUMBERS]), columns=NUMBERS)
    return test, x, fitted, scale, train


def keras_model(fitted, *last):
    """The regression in Keras, one feature an input; a function or layers behind."""
    inputs = {name: keras.Input((), name=name) for name in NUMBERS}
    columns = [keras.ops.expand_dims(inputs[name], -1) for name in NUMBERS]
    dense = keras.layers.Dense(1)
    outputs = dense(keras.ops.concatenate(columns, axis=-1))
    dense.set_weights([fitted.coef_.T, fitted.intercept_])
    for function in last:
        outputs = function(outputs)
    return keras.Model(inputs, outputs)


def test_seven_forms_of_one_model_have_one_table(people, tmp_path):
    test, x, fitted, *_ = people
    table = x.assign(income=test["income"], sex=test["sex"], race=test["race"])
    spec = kd_keras.DatasetSpec.of(
        table, label="income", class_names=CLASSES, groups=["sex", "race"]
    )
    path = str(tmp_path / "1")
    save_model(keras_model(fitted), spec, path)
    margins = fitted.decision_function(x.to_numpy()).astype(np.float32)
    probabilities = fitted.predict_proba(x.to_numpy())[:, 1]
    models = {
        "Keras": keras_model(fitted),
        "export": path,
        "ops.sigmoid": keras_model(fitted, keras.ops.sigmoid),
        "sigmoid, Reshape": keras_model(
            fitted,
            keras.layers.Activation("sigmoid"),
            keras.layers.Reshape((1, 1)),
            keras.layers.Reshape((1,)),
        ),
        "logits": margins,
        "probabilities": probabilities,
        "labels": fitted.predict(x.to_numpy()),
    }
    result = kd_keras.audit(
        models,
        table,
        spec,
        scores={"probabilities": "probabilities"},
        attributes=("sex", "race", CROSSING),
        min_examples=1,
        replicates=20,
    )
    first = result.counts["Keras"]
    assert all(counts == first for counts in result.counts.values())
    predicted = fitted.predict(x.to_numpy())
    right = sklearn.metrics.accuracy_score(test["income"], predicted)
    for model in models:
        assert result.values[model, "accuracy", ""].value == pytest.approx(right)
        for attribute in ("sex", "race", CROSSING):
            check_gaps(result, model, attribute, test, predicted)
    # Far from the trivial predictions that a wrong threshold makes.
    assert 0.05 < (predicted == CLASSES[1]).mean() < 0.95
    with pytest.raises(
        ValueError, match=r"`models\['p'\]`.* Say what they are: scores"
    ):
        kd_keras.audit({"p": probabilities}, table, spec)


def check_gaps(result, model, attribute, test, predicted):
    """Both gaps are those of Fairlearn."""
    columns = list(attribute) if isinstance(attribute, tuple) else [attribute]
    for name in (DPD, EOD):
        expected = getattr(fairlearn.metrics, name)(
            (test["income"] == CLASSES[1]).astype(int),
            (predicted == CLASSES[1]).astype(int),
            sensitive_features=test[columns],
        )
        found = result.values[model, name, attribute].value
        assert found == pytest.approx(expected, abs=1e-12), (name, attribute)


def test_predictions_of_other_libraries(people):
    test, x, fitted, scale, train = people
    trees = [
        sklearn.tree.DecisionTreeClassifier(max_depth=3, max_features=2, random_state=i)
        for i in range(3)
    ]
    for tree in trees:
        tree.fit(scale.transform(train[NUMBERS]), train["income"])
    groups = test[["sex", "race"]].assign(age=test["age"])
    result = kd_keras.audit_predictions(
        test["income"],
        {
            "regression": fitted.predict_proba(x.to_numpy()),
            "trees": [tree.predict(x.to_numpy()) for tree in trees],
            "tree": trees[0].predict(x.to_numpy()),
        },
        groups=groups,
        bins={"age": (30, 50)},
        class_names=CLASSES,
        attributes=("sex", "race", "age", CROSSING),
        min_examples=1,
        replicates=50,
    )
    bands = np.array(["under 30", "30 to under 50", "50 and over"])
    test = test.assign(age=bands[np.digitize(test["age"], [30, 50])])
    frame = result.to_frame()
    for attribute in ("sex", "race", "age", CROSSING):
        check_gaps(result, "regression", attribute, test, fitted.predict(x.to_numpy()))
        check_gaps(result, "tree", attribute, test, trees[0].predict(x.to_numpy()))
        columns = list(attribute) if isinstance(attribute, tuple) else [attribute]
        by_group = fairlearn.metrics.MetricFrame(
            metrics=sklearn.metrics.accuracy_score,
            y_true=test["income"],
            y_pred=trees[0].predict(x.to_numpy()),
            sensitive_features=test[columns],
        ).by_group
        rows = frame[
            (frame["model"] == "tree")
            & (frame["attribute"] == " x ".join(columns))
            & (frame["group"] != "")
        ]
        names = [", ".join(g) if isinstance(g, tuple) else g for g in by_group.index]
        assert dict(zip(rows["group"], rows["value"], strict=True)) == pytest.approx(
            dict(zip(names, by_group, strict=True))
        )
    # The row of three seeds: mean and standard deviation over them.
    gaps = [
        fairlearn.metrics.equalized_odds_difference(
            (test["income"] == CLASSES[1]).astype(int),
            (tree.predict(x.to_numpy()) == CLASSES[1]).astype(int),
            sensitive_features=test[list(CROSSING)],
        )
        for tree in trees
    ]
    key = ("trees", EOD, CROSSING)
    assert result.values[key].value == pytest.approx(np.mean(gaps))
    assert result.sds[key] == pytest.approx(np.std(gaps, ddof=1))
    assert result.values[key].low <= np.mean(gaps) <= result.values[key].high
    assert "trees, 3 seeds" in str(result)
