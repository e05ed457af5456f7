"""Code that Tradewire's processes share: the trade, the settings, the queue, the store and the feed."""
