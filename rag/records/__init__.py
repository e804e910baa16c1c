"""What is kept of visitors' questions: values, the database, and copies of it."""
