"""Quality control: a page for reviewing every case."""
