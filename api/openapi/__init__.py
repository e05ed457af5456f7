"""The OpenAPI document, which describes the API's requests and responses."""
