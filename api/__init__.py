"""The API: accepts trade messages over HTTP, puts them into the queue, and answers queries about them."""
