"""What dockerlayer shows: pure functions from reports to text."""
