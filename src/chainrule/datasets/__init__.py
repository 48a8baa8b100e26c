"""Built-in data, and tables read from files."""
