"""The OpenAPI document: what the API accepts and answers."""
