"""What is decided about an object, and why. This package touches nothing: no network, no cluster, no clock."""
