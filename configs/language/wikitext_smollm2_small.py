"""WikiText-2, SmolLM2-135M -> four of its layers: whether stereotypes are kept."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    config = ml_collections.ConfigDict()
    config.name = "wikitext_smollm2_small"
    # The teacher: a Llama-like model as a GGUF file.
    config.gguf = ""
    # The layers that a student takes over, with the embeddings, which stay as they are.
    config.layers = (0, 10, 20, 29)
    # The folder of all texts.
    config.data_dir = ""
    config.training_text = "wikitext_train_2.9MB.txt"
    config.test_text = "wikitext2_test.txt"
    # Tables of pairs of sentences, one "stereotype" and the "other", with their "type";
    # or CrowS-Pairs as published; or the folder of WinoBias.
    config.pairs = ("crows_pairs_anonymized.csv", "winobias")
    # The token that begins a text.
    config.start = "<|endoftext|>"

    # Hard labels alone, and KL alone at each T. All see the same tokens once.
    config.temperatures = (1.0, 2.0, 4.0)
    config.seeds = (0, 1, 2)
    config.tokens = 245_760
    config.window = 256
    config.batch_size = 4
    config.learning_rate = 1e-3
    # The perplexity is measured after each part of the tokens, on so many of the test
    # text and of its paragraphs about women and about men.
    config.parts = 16
    config.test_tokens = 8_000
    # Students know the language equally well after the part that brings them nearest to
    # this perplexity; 0 leaves that comparison out.
    config.equal_perplexity = 380.0
    return config
