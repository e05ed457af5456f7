"""The API: takes trade messages over HTTP, checks them, and puts them into the queue."""
