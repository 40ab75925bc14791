"""The owner's documents: read, cut, embedded, kept in LanceDB and found again.

documents → sentences → chunks → ingest (embeddings, index) → retriever. Imports none of the other packages.
"""
