"""What Tradewire's processes share: the trade, the settings, the queue and the feed."""
