"""The starter language model: a small Llama that chooses among lines and says one of them."""
