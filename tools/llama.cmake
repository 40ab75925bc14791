# Read by llama-cpp-python's build: what Landline never uses of it takes three fifths of the compiler's time.
set(LLAMA_BUILD_COMMON OFF)
set(LLAVA_BUILD OFF)
