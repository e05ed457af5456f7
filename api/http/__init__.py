"""What all routes share: responses, parameters, authentication, and connections to the queue."""
