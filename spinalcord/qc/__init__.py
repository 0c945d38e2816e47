"""Quality control: a page on which a person looks at every case and passes or fails it."""
