"""One BentoML service a file, thin over the model that it answers with."""
