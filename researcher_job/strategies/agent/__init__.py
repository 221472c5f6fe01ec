"""Research with a language model: a lead, workers that plan and read, a writer held to quotes."""
