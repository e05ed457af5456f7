"""The API: takes trade messages over HTTP, checks them, puts them into the queue, and tells what became of them."""
