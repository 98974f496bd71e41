"""What is printed: tables, snapshots of tasks, and what differs between two of them."""
