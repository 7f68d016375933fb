// Nothing of its own: it exists for the headers that are compiled with it.
