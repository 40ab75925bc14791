"""One sentence of one document, as retrieval gives it."""

SENTENCE = "Breakfast is served from 7 am to 10:30 on weekdays."
PASSAGE = {
    "chunk_id": "1", "doc_id": "breakfast", "title": "Breakfast", "source": "breakfast.md", "text": SENTENCE,
    "position": 0, "score": 0.8,
}  # fmt: skip
CANDIDATE = {"text": SENTENCE, "kind": "sentence", "name": "", "passage": 0, "score": 0.8}
