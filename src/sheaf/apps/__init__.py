"""What people touch: command line and configuration. May import every room."""
