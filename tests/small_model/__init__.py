"""A real small model on this machine: SmolLM2-135M-Instruct, served by llama.cpp."""
