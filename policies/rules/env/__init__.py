"""What a container gets as environment variables."""
