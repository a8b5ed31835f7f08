"""What solves return: values, what is known of their error, pictures, tables."""
