"""What training on photos would come to, from their embeddings alone."""
