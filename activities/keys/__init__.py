"""Keys and the services that wrap them."""
