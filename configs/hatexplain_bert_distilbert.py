"""HateXplain (toxic or normal), BERT-Base -> DistilBERT.

The splits are the official ones. The study measures on the test posts; which ones of
them have a group is not published.
"""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "hatexplain_bert_distilbert",
        dataset={"name": "hatexplain"},
        # The community that a post is about.
        attributes=("race", "gender"),
        # KerasHub presets, or folders with their files; "" starts at random.
        teacher=_recipe("bert", pretrained="bert_base_en_uncased"),
        student=_recipe("distilbert", pretrained="distil_bert_base_en_uncased"),
    )


def _recipe(model: str, pretrained: str) -> ml_collections.ConfigDict:
    # Devlin et al. 2019, appendix A.3: 2e-5, 16 texts, 4 epochs. Its code
    # warms up in the first tenth and decays linearly. Length 128 as in Mathew et al.
    # 2021.
    return _protocol.recipe(
        model,
        optimizer="adamw",
        learning_rate=2e-5,
        schedule="linear",
        epochs=4,
        warmup_epochs=0.4,
        batch_size=16,
        pretrained=pretrained,
        model_options={"sequence_length": 128},
        optimizer_options={"weight_decay": 0.01, "global_clipnorm": 1.0},
    )
