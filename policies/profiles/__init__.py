"""The shipped profiles: one YAML file each says what rules do, by level, by default, or by name."""
