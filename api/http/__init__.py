"""What every route shares: responses, parameters, authentication, and connections to the queue."""
